resource "terraform_data" "c" {
  count = 1
  input = 1
}
resource "terraform_data" "x" {
  input = {
    a = try(terraform_data.c.input, "n")
  }
}
