resource "terraform_data" "a" {
  input = "x"
}

check "c" {
  data "terraform_remote_state" "r" {
    backend = "local"
  }

  data "terraform_remote_state" "s" {
    backend = "local"
  }

  assert {
    condition     = terraform_data.a.input == "x"
    error_message = "no"
  }
}
