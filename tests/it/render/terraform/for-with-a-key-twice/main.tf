resource "terraform_data" "x" {
  input = {
    a = {for x in ["a", "a"] : x => 1}
  }
}
