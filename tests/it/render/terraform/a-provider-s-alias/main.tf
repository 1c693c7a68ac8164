provider "terraform" {
  alias = "foo"
}
resource "terraform_data" "x" {
  provider = terraform.foo
}
