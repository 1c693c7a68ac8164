resource "terraform_data" "x" {
  input = {
    a = "a${null}"
  }
}
