variable "a" {
  type = string
}

variable "b" {
  type = string
}

variable "c" {
  type = string
}

variable "m" {
  type = map(string)
}

resource "terraform_data" "it" {
  input = {
    a = var.a
    b = var.b
    c = var.c
    m = var.m
  }
}
