variable "v" {
  default = 1
  validation {
    condition     = var.v > 1
    error_message = "No."
  }
}
resource "terraform_data" "x" {
  input = var.v
}
