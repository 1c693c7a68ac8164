terraform {
  required_version = "1.11.4"
}

resource "terraform_data" "a" {
  input = "x"
}
