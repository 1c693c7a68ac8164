terraform {
  required_version = "~> 1"
}

resource "terraform_data" "a" {
  input = "x"
}
