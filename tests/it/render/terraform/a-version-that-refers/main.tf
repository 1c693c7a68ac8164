variable "v" {
  default = ">= 1.0"
}

terraform {
  required_version = var.v
}

resource "terraform_data" "a" {
  input = "x"
}
