variable "l" {
  type    = list(string)
  default = []
}
resource "terraform_data" "x" {
  count = length(var.l)
  input = var.l[0]
}
