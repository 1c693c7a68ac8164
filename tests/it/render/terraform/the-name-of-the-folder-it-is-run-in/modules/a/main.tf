variable "cwd" {
  type = string
}

resource "terraform_data" "y" {
  for_each = toset([basename(var.cwd)])
  input    = basename(abspath(path.module))
}
