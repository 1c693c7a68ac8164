resource "terraform_data" "x" {
  lifecycle {
    precondition {
      condition     = local.a
      error_message = "No."
    }
  }
}
locals {
  a = false
}
