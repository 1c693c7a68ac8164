resource "terraform_data" "x" {
  input = {
    a = max(null...)
  }
}
