locals {
  leaf = basename(get_terragrunt_dir())
}

inputs = {
  relative_to   = path_relative_to_include()
  relative_from = path_relative_from_include()
  parent        = basename(get_parent_terragrunt_dir())
  from_repo     = get_path_from_repo_root()
  to_repo       = get_path_to_repo_root()
  leaf          = local.leaf
  absolute      = get_terragrunt_dir()
  parts         = length(split("/", get_terragrunt_dir()))
  same          = get_repo_root() == "/srv"
  text          = file("note.txt")
}
