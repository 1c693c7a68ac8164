resource "terraform_data" "x" {
  input = {
    a = [1, 2][-1]
  }
}
