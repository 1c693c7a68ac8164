resource "terraform_data" "a" {
  input = "x"
}

moved {
  from = module.gone
  to   = terraform_data.a
}
