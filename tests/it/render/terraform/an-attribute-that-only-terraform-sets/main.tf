resource "terraform_data" "x" {
  id = "x"
}
