terraform {
  required_version = ">= 1.3, < 2.0, != 1.4.0"
}

resource "terraform_data" "a" {
  input = "x"
}
