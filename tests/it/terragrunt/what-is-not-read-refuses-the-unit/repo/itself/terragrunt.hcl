terraform {
  source = "../modules//m"
}

locals {
  me = read_terragrunt_config("terragrunt.hcl")
}
