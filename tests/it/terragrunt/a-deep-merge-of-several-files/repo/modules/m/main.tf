variable "attribute" {
  type = string
}

variable "new_attribute" {
  type = string
}

variable "old_attribute" {
  type = string
}

variable "list_attr" {
  type = list(string)
}

variable "map_attr" {
  type = map(string)
}

resource "terraform_data" "it" {
  input = {
    attribute = var.attribute
    new_attribute = var.new_attribute
    old_attribute = var.old_attribute
    list_attr = var.list_attr
    map_attr = var.map_attr
  }
}
