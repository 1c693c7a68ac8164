module "first" {
  source = "./modules/one"
  count  = 0
  size   = 1
}

module "second" {
  source = "./modules/one"
  count  = 0
  size   = "large"
}
