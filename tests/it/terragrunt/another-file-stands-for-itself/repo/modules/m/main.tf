variable "dir" {
  type = string
}

variable "unit" {
  type = string
}

variable "rel" {
  type = string
}

variable "near" {
  type = string
}

variable "extra" {
  type = string
}

variable "none" {
  type = string
}

variable "list" {
  type = string
}

resource "terraform_data" "it" {
  input = {
    dir = var.dir
    unit = var.unit
    rel = var.rel
    near = var.near
    extra = var.extra
    none = var.none
    list = var.list
  }
}
