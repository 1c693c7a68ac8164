resource "terraform_data" "x" {
  input = {
    a = nofunction(1)
  }
}
