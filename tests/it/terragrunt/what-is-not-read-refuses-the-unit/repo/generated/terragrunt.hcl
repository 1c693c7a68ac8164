include "root" {
  path = find_in_parent_folders("root.hcl")
}

terraform {
  source = "../modules//m"
}

generate "more" {
  path      = "more.tf"
  if_exists = "overwrite"
  contents  = "resource \"terraform_data\" \"more\" {}"
}
