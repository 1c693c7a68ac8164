resource "terraform_data" "c" {
  input = 1
}
resource "terraform_data" "x" {
  input = {
    a = try(terraform_data.c[0].input, "n")
  }
}
