resource "terraform_data" "x" {
  input = {
    c00 = tostring(1/3)
    c01 = tostring(12345678901234567890123)
    c02 = tostring(0.1 + 0.2)
    c03 = 1/3*3
    c04 = tostring(1e21)
    c05 = tostring(1e-7)
    c06 = "${1.50}"
    c07 = 7 % -3
    c08 = -7 % 3
    c09 = tostring(2/3)
    c10 = 1.e5
  }
}
