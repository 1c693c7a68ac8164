resource "terraform_data" "x" {
  input = templatefile("t.tpl", {})
}
