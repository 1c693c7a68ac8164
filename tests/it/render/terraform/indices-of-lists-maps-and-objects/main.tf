resource "terraform_data" "x" {
  input = {
    c00 = [1, 2]["1"]
    c01 = {a = 1}["a"]
    c02 = {1 = "x"}[1]
    c03 = tomap({a = "x"}).a
    c04 = [[1, 2]][0][1]
    c05 = {a = {b = [5]}}.a.b[0]
    c06 = try([1][5], "none")
    c07 = try({}.a, "none")
  }
}
