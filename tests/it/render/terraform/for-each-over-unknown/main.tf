resource "terraform_data" "x" {
  for_each = toset([timestamp()])
  input = each.key
}
