resource "terraform_data" "x" {
  for_each = {a = timestamp(), b = 1}
  input = each.value
}
