resource "terraform_data" "x" {
  lifecycle {
    foo = true
  }
}
