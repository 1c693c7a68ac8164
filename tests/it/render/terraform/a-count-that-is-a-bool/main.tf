resource "terraform_data" "x" {
  count = true
}
