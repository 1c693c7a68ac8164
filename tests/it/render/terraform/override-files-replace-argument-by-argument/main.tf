variable "v" {
  type    = string
  default = 1
}
locals {
  a = 1
  b = 2
}
module "m" {
  source = "./m"
  i      = "a"
  r      = "kept"
}
resource "terraform_data" "x" {
  input            = 1
  triggers_replace = "kept"
}
resource "terraform_data" "y" {
  input = [var.v, local.a, local.b, module.m.o, module.m.r]
}
