variable "v" {
  default = upper("a")
}
resource "terraform_data" "x" {
  input = var.v
}
