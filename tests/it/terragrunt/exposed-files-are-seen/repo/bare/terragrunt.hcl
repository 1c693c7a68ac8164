include {
  path   = find_in_parent_folders("root.hcl")
  expose = true
}

terraform {
  source = "../modules//m"
}

inputs = {
  region = include.locals.region
  twice  = include.inputs.owner
}
