resource "terraform_data" "x" {
  input = {
    a = try({}.a, [][0])
  }
}
