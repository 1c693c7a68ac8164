variable "x" {
  type    = string
  default = null
}

resource "terraform_data" "x" {
  input = var.x == null || contains(["a"], upper(var.x))
}
