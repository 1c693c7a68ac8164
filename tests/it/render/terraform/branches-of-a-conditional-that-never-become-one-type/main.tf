resource "terraform_data" "x" {
  input = {
    a = true ? "1" : [1]
  }
}
