variable "v" {
  type    = object({ a = string })
  default = {}
}
resource "terraform_data" "x" {
  input = var.v
}
