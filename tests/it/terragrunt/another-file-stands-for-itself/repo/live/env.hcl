locals {
  dir  = basename(get_terragrunt_dir())
  unit = basename(get_original_terragrunt_dir())
  rel  = path_relative_to_include()
  near = read_terragrunt_config(find_in_parent_folders("top.hcl")).locals.top
}

inputs = {
  extra = "x"
}
