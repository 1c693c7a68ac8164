module "m" {
  source = "./m"
}

moved {
  from = module.gone
  to   = module.m
}

moved {
  from = module.gone[0].terraform_data.a
  to   = terraform_data.elsewhere
}
