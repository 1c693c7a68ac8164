resource "terraform_data" "x" {
  input = templatestring("a", {})
}
