resource "terraform_data" "a" {
  input = "x"
}

moved {
  from = terraform_data.b
}
