locals {
  z = upper([])
}
resource "terraform_data" "x" {
  input = {
    a = try(local.z, 1)
  }
}
