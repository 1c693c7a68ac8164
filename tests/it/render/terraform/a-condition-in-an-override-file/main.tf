resource "terraform_data" "x" {
  input = 1
  lifecycle {
    precondition {
      condition = path.module == "z"
      error_message = "x"
    }
  }
}
