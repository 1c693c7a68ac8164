resource "terraform_data" "x" {
  lifecycle {
    precondition {
      condition = path.module == ""
      error_message = "x"
    }
  }
}
