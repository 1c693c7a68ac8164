module "m" {
  source = "./m"
}

removed {
  from = module.m.terraform_data.a

  lifecycle {
    destroy = false
  }
}
