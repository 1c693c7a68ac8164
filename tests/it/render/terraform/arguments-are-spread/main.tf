resource "terraform_data" "x" {
  input = {
    c00 = max([1, 5, 3]...)
    c01 = merge([{a = 1}, {b = 2}]...)
    c02 = concat([[1], ["a"]]...)
    c03 = min(1, tolist([3, 2])...)
    c04 = format("%s-%s", ["a", "b"]...)
  }
}
