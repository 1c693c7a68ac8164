resource "terraform_data" "x" {
  input = {
    a = "abc"[0]
  }
}
