variable "relative_to" {
  type = string
}

variable "relative_from" {
  type = string
}

variable "parent" {
  type = string
}

variable "from_repo" {
  type = string
}

variable "to_repo" {
  type = string
}

variable "leaf" {
  type = string
}

variable "absolute" {
  type = string
}

variable "parts" {
  type = number
}

variable "same" {
  type = bool
}

variable "text" {
  type = string
}

resource "terraform_data" "it" {
  input = {
    relative_to = var.relative_to
    relative_from = var.relative_from
    parent = var.parent
    from_repo = var.from_repo
    to_repo = var.to_repo
    leaf = var.leaf
    absolute = var.absolute
    parts = var.parts
    same = var.same
    text = var.text
  }
}
