resource "terraform_data" "x" {
  input = {
    a = toset(["a"])[0]
  }
}
