variable "a" {
  type = string
}

variable "b" {
  type = string
}

variable "c" {
  type = string
}

variable "d" {
  type = string
}

resource "terraform_data" "it" {
  input = {
    a = var.a
    b = var.b
    c = var.c
    d = var.d
  }
}
