resource "terraform_data" "x" {
  input = foo.bar
}
