variable "v" {
  validation {
    condition = var.v == 1
    error_message = "x"
  }
}
