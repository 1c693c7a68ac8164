include "root" {
  path = find_in_parent_folders("root.hcl")
}

terraform {
  source = "../modules//m"

  extra_arguments "vars" {
    commands  = ["plan"]
    arguments = ["-var", "a=b"]
  }
}
