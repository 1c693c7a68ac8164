resource "terraform_data" "x" {
  input = {
    c00 = sensitive("x")
    c01 = "${sensitive("x")}y"
    c02 = length(sensitive([1, 2]))
    c03 = nonsensitive(sensitive(1))
    c04 = issensitive(sensitive(1))
    c05 = [for x in sensitive(["a"]) : x]
    c06 = {a = sensitive(1)}
  }
}
