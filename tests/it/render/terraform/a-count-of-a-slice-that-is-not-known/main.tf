resource "terraform_data" "a" {
  input = "a"
}
resource "terraform_data" "x" {
  count = length(slice(split(",", terraform_data.a.output), 0, 2))
}
