variable "a" {
  type = string
}

resource "terraform_data" "it" {
  input = {
    a = var.a
  }
}
