include "root" {
  path = find_in_parent_folders("root.hcl")
  merge_strategy = "deep"
}

terraform {
  source = "../modules//m"
}

inputs = {
  on    = false
  size  = 0
  name  = ""
  other = "p"
}
