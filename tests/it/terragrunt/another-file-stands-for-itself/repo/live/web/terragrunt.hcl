locals {
  env  = read_terragrunt_config(find_in_parent_folders("env.hcl"))
  none = read_terragrunt_config("missing.hcl", { locals = { it = "default" } })
  list = find_in_parent_folders("missing.hcl", "fallback")
}

terraform {
  source = "../../modules//m"
}

inputs = merge(local.env.locals, local.env.inputs, { none = local.none.locals.it, list = local.list })
