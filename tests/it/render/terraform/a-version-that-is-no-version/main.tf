terraform {
  required_version = "one"
}

resource "terraform_data" "a" {
  input = "x"
}
