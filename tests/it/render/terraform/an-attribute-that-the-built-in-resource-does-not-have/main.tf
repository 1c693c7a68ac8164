resource "terraform_data" "o" {
  input = {a = 1, l = ["x"], s = "str"}
}
resource "terraform_data" "x" {
  input = {
    a = try(terraform_data.o.nope, 1)
  }
}
