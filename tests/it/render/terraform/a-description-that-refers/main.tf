variable "v" {
 default = "s"
 description = var.x
}
resource "terraform_data" "x" {
  input = var.v
}
