module "a" {
  source = "../../modules/m"
}
resource "terraform_data" "x" {
  input = [path.module, path.root, file("../shared.txt"), fileexists("${path.module}/nope")]
}
