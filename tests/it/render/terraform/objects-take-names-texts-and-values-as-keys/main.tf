locals {
  k = "key"
}
resource "terraform_data" "x" {
  input = {
    c00 = {a = 1, "b" = 2, (local.k) = 3, 1 = "x", true = 4, null = 5}
    c01 = {a = 1, a = 2}
    c02 = {a : 1, b : 2}
    c03 = {"${local.k}-x" = 1}
  }
}
