variable "v" {
  default = 1
  validation {
    condition     = local.a
    error_message = "No."
  }
}
locals {
  a = true
}
