resource "terraform_data" "o" {
  input = {a = 1, l = ["x"], s = "str"}
}
resource "terraform_data" "x" {
  input = {
    a = {k = terraform_data.o.id}
    b = {(terraform_data.o.id) = 1}
    c = [[terraform_data.o.id], {x = [terraform_data.o.id, 1]}]
  }
}
