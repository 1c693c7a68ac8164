resource "terraform_data" "x" {
  input = {
    a = [1, 2][0.5]
  }
}
