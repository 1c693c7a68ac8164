resource "terraform_data" "x" {
  input = {
    a = [for x in "abc" : x]
  }
}
