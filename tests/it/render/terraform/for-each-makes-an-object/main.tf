resource "terraform_data" "f" {
  for_each = {b = 1, a = "x"}
  input = [each.key, each.value]
}
resource "terraform_data" "s" {
  for_each = toset(["y", "x", "y"])
  input = "${each.key}=${each.value}"
}
resource "terraform_data" "x" {
  input = {
    keys = keys(terraform_data.f)
    a = terraform_data.f["a"].input
    v = values(terraform_data.s)[*].input
    m = {for k, s in terraform_data.s : k => s.input}
  }
}
