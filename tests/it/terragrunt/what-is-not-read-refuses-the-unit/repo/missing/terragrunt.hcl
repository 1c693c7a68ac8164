include "root" {
  path = find_in_parent_folders("none.hcl")
}

terraform {
  source = "../modules//m"
}

