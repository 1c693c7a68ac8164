output "o" {
  value = 1
  description = var.x
}
