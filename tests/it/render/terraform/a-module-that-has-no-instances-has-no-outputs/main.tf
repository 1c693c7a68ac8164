module "none" {
  source = "./m"
  count  = 0
}

module "some" {
  source   = "./m"
  for_each = toset(["b", "a"])
}

resource "terraform_data" "x" {
  input = { none = module.none[*].name, one = one(module.none[*].name), tried = try(module.none[0].name, "none"), some = [for key, m in module.some : "${key}-${m.name}"], names = values(module.some)[*].name }
}
