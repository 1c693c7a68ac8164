variable "v" {
  default  = null
  nullable = false
}
resource "terraform_data" "x" {
  input = var.v
}
