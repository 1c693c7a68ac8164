module "m" {
  source = "./m"
  i = []
}
