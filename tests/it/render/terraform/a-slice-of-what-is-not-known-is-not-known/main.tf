resource "terraform_data" "a" {
  input = "a"
}
resource "terraform_data" "x" {
  input = slice(split(",", terraform_data.a.output), 0, 2)
}

output "x" {
  value = terraform_data.x.output
}
