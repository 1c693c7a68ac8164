module "b" {
  source = "../../o"
  count  = 2
  i      = "${path.module}-${count.index}"
}
resource "terraform_data" "x" {
  input = [path.module, path.root, terraform.workspace]
}
