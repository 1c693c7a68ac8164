resource "terraform_data" "x" {
  input = {
    a = [for x in [1] : x if null]
  }
}
