resource "terraform_data" "a" {
  input = "x"
}

check "c" {
  assert {
    condition     = local.no == 1
    error_message = "no"
  }
}
