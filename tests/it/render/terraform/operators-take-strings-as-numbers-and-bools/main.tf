resource "terraform_data" "x" {
  input = {
    c00 = "1" + 2
    c01 = -"5"
    c02 = !"true"
    c03 = "true" ? 1 : 2
    c04 = true && "false"
    c05 = "10" > 9
    c06 = "2" * "3"
    c07 = 1 + 2 * 3 - 4 % 3
    c08 = 10 - 2 - 3
    c09 = 1 > 0 == true
    c10 = true || false && false
  }
}
