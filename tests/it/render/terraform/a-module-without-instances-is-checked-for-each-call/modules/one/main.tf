variable "size" {
  type = number
}

output "twice" {
  value = var.size * 2
}
