resource "terraform_data" "a" {
  input = "x"
}

check "c" {
  data "terraform_remote_state" "r" {
    backend = "local"
    config = {
      path = "none.tfstate"
    }
  }

  assert {
    condition     = data.terraform_remote_state.r.outputs.x == "x"
    error_message = "no"
  }
}
