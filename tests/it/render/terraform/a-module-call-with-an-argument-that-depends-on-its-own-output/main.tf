module "m" {
  source = "./m"
  i = module.m.o
}
