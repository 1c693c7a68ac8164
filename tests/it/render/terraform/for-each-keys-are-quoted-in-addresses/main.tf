resource "terraform_data" "x" {
  for_each = {"a b" = 1, "q\"q" = 2, "$${x}" = 3, "é" = 4}
  input = each.value
}
