variable "a" {
  type = string
}

variable "b" {
  type = string
}

variable "c" {
  type     = string
  default  = "d"
  nullable = false
}

resource "terraform_data" "it" {
  input = {
    a = var.a
    b = var.b
    c = var.c
  }
}
