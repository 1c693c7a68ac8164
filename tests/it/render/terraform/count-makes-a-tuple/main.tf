resource "terraform_data" "c" {
  count = "2"
  input = "c${count.index}"
}
resource "terraform_data" "z" {
  count = 0
  input = 1
}
resource "terraform_data" "x" {
  input = {
    all = terraform_data.c[*].input
    len = length(terraform_data.c)
    none = terraform_data.z[*].input
    one = one(terraform_data.z[*].input)
    second = terraform_data.c[1].input
    or = try(terraform_data.z[0].input, "none")
    each = [for c in terraform_data.c : c.input]
  }
}
