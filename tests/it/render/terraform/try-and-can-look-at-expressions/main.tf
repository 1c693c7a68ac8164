resource "terraform_data" "x" {
  input = {
    c00 = try(null.a, "t")
    c01 = try(1, 2)
    c02 = can({}.a)
    c03 = can(1)
    c04 = try(upper([]), "x")
    c05 = try(nofunction(), 1)
    c06 = try(null, 1)
    c07 = can(tonumber("x"))
  }
}
