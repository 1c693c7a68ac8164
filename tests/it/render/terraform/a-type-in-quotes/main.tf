variable "v" {
  type    = "string"
  default = "a"
}
resource "terraform_data" "x" {
  input = var.v
}
