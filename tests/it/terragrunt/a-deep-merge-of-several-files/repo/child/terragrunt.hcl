terraform {
  source = "${get_terragrunt_dir()}/../modules/m"
}

include "inputs" {
  path           = find_in_parent_folders("inputs.hcl")
  merge_strategy = "deep"
}

include "override" {
  path           = find_in_parent_folders("override.hcl")
  merge_strategy = "deep"
}

inputs = {
  attribute = "mock"
  list_attr = ["foo"]
}
