locals {
  env = read_terragrunt_config(find_in_parent_folders("env.hcl"))
}

terraform {
  extra_arguments "vars" {
    commands  = ["plan"]
    arguments = ["-lock-timeout=5m"]
  }
}

inputs = local.env.locals
