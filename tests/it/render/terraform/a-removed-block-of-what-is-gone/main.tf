resource "terraform_data" "a" {
  input = "x"
}

removed {
  from = terraform_data.gone

  lifecycle {
    destroy = false
  }
}
