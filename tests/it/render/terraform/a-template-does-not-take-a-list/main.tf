resource "terraform_data" "x" {
  input = {
    a = "a${[1]}"
  }
}
