resource "terraform_data" "x" {
  input = "a"
}

check "never" {
  assert {
    condition     = length("a") == 2 && path.module == "x"
    error_message = "never"
  }
}
