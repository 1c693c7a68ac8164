resource "terraform_data" "x" {
  count = timestamp() == "" ? 1 : 2
}
