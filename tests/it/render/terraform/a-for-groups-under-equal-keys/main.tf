locals {
  people = [
    { name = "a", team = "x" },
    { name = "b", team = "y" },
    { name = "c", team = "x" },
  ]
}

resource "terraform_data" "teams" {
  input = { for person in local.people : person.team => person.name... }
}
resource "terraform_data" "each" {
  for_each = { for person in local.people : person.team => person... }
  input    = { team = each.key, first = each.value[0].name, count = length(each.value) }
}
