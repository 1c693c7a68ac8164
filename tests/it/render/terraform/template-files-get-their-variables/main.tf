locals {
  t = "<$${n}>"
}
resource "terraform_data" "x" {
  input = {
    a = templatefile("t.tpl", {n = 1, l = ["a", "b"]})
    b = templatefile("wrap.tpl", {v = [1, 2]})
    c = templatestring(local.t, {n = "x"})
    d = templatefile("t.tpl", {n = timestamp(), l = []})
  }
}
