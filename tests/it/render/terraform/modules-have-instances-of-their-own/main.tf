module "one" {
  source = "./m"
}
module "null" {
  source = "./m"
  i      = null
}
module "count" {
  source = "./m"
  count  = 2
  i      = count.index
}
module "each" {
  source   = "./m"
  for_each = { b = 1, a = true }
  i        = each.value
}
resource "terraform_data" "x" {
  input = {
    one = module.one.o
    count = module.count[*].o
    second = module.count[1].o
    each = {for k, m in module.each : k => m.o}
    a = module.each["a"].o
    u = module.one.u
  }
}
