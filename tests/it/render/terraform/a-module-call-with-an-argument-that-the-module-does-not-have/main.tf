module "m" {
  source = "./m"
  zz = 1
}
