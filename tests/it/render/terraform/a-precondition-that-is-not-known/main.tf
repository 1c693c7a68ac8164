resource "terraform_data" "x" {
  input = 1
  lifecycle {
    precondition {
      condition     = terraform_data.y.id == "a"
      error_message = "No."
    }
  }
}
resource "terraform_data" "y" {

}
