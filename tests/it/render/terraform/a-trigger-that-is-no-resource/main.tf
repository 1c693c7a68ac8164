variable "v" {
  default = 1
}
resource "terraform_data" "x" {
  lifecycle {
    replace_triggered_by = [var.v]
  }
}
