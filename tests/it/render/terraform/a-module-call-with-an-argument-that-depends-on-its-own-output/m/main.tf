variable "i" {
  type     = string
  default  = "d"
  nullable = false
}
variable "r" {
  default = null
}
resource "terraform_data" "in" {
  input = var.i
}
output "o" {
  value = terraform_data.in.input
}
output "u" {
  value = terraform_data.in.id
}
output "r" {
  value = var.r
}
