resource "terraform_data" "z" {
  input = var.v
}
