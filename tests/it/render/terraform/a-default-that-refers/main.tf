variable "v" {
  default = local.a
}
resource "terraform_data" "x" {
  input = var.v
}
