resource "terraform_data" "x" {
  input = {
    a = [for x in null : x]
  }
}
