variable "on" {
  type = bool
}

variable "size" {
  type = number
}

variable "name" {
  type = string
}

variable "other" {
  type = string
}

resource "terraform_data" "it" {
  input = {
    on = var.on
    size = var.size
    name = var.name
    other = var.other
  }
}
