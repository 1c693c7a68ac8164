locals {
  d = yamldecode(file("${path.module}/d.yaml"))
  j = jsondecode(file("j.json"))
}
resource "terraform_data" "x" {
  for_each = local.d.items
  input    = merge({ w = 0 }, each.value)
}
resource "terraform_data" "y" {
  input = local.j
}
