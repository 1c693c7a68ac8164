locals {
  name  = "shop-${basename(path.cwd)}"
  stage = basename(dirname(path.cwd))
}

module "a" {
  source = "../../modules/a"
  cwd    = path.cwd
}

resource "terraform_data" "x" {
  count = basename(path.cwd) == "prod" ? 1 : 0
  input = [
    local.name,
    local.stage,
    basename(abspath(path.root)),
    basename(abspath("${path.module}/../..//modules/./a/")),
    basename("${path.cwd}") == basename(abspath(".")),
    dirname("a/b"),
  ]
}
