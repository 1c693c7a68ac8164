resource "terraform_data" "a" {
  input = "x"
}

removed {
  lifecycle {
    destroy = false
  }
}
