include "root" {
  path = find_in_parent_folders("root.hcl")
  expose = true
}

terraform {
  source = "../modules//m"
}

inputs = {
  region = include.root.locals.region
  twice  = include.root.inputs.owner
}
