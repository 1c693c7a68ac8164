variable "untyped" {
}

variable "untyped_list" {
}

variable "number" {
  type = number
}

variable "text_number" {
  type = number
}

variable "text" {
  type = string
}

variable "number_text" {
  type = string
}

variable "bool_text" {
  type = string
}

variable "list" {
  type = list(string)
}

variable "text_list" {
  type = list(string)
}

variable "set" {
  type = list(string)
}

variable "object" {
  type = object({ a = number, b = optional(string, "c") })
}

variable "any" {
  type = any
}

variable "any_text" {
  type = any
}

resource "terraform_data" "it" {
  input = {
    untyped = var.untyped
    untyped_list = var.untyped_list
    number = var.number
    text_number = var.text_number
    text = var.text
    number_text = var.number_text
    bool_text = var.bool_text
    list = var.list
    text_list = var.text_list
    set = var.set
    object = var.object
    any = var.any
    any_text = var.any_text
  }
}
