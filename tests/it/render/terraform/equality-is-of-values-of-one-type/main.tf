resource "terraform_data" "x" {
  input = {
    c00 = 1 == "1"
    c01 = 1 == 1.0
    c02 = [1] == tolist([1])
    c03 = {a = 1} == tomap({a = 1})
    c04 = [1, 2] == [1, 2]
    c05 = "" == null
    c06 = tostring(null) == null
    c07 = toset(["b", "a"]) == toset(["a", "b"])
    c08 = {a = 1} == {a = 1, b = 2}
    c09 = [] == tolist([])
    c10 = 1 != 2
  }
}
