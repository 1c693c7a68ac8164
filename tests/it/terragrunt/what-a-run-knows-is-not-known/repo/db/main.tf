variable "name" {
  type = string
}

resource "terraform_data" "it" {
  input = {
    name = var.name
  }
}
