resource "terraform_data" "x" {
  input = {
    c00 = [for k, v in {b = 1, a = 2, B = 3, "é" = 4} : k]
    c01 = {for x in ["a", "b", "a"] : x => 1...}
    c02 = [for i, x in ["a", "b"] : "${i}${x}"]
    c03 = [for k, v in toset(["b", "a"]) : [k, v]]
    c04 = [for x in [1, 2, 3] : x * 2 if x > 1]
    c05 = {for k, v in {a = 1} : upper(k) => v}
    c06 = [for x in [] : x.y]
    c07 = {for k, v in [5, 6] : k => v}
    c08 = [for x in [[1], [2]] : [for y in x : y + 1]]
  }
}
