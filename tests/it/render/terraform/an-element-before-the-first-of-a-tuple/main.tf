resource "terraform_data" "last" {
  input = element(["a", "b", "c"], -1)
}
