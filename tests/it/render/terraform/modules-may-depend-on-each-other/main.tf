module "a" {
  source = "./m"
  r      = module.b.o
}
module "b" {
  source = "./m"
  r      = module.a.o
}
resource "terraform_data" "x" {
  input = [module.a.r, module.b.r]
}
