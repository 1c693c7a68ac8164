locals {
  k = "key"
}
resource "terraform_data" "x" {
  input = {
    a = {local.k = 1}
  }
}
