output "name" {
  value = "n"
}
