resource "terraform_data" "a" {
  input = "x"
}

check "c" {
  assert {
    condition     = terraform_data.a.id == "x"
    error_message = "no"
  }
}
