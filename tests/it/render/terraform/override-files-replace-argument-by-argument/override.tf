variable "v" {
  default = 2
}
locals {
  b = 3
}
module "m" {
  i = "b"
}
