resource "terraform_data" "x" {
  for_each = {(timestamp()) = 1}
  input = each.key
}
