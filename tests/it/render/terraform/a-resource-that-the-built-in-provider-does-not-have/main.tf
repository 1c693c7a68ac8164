resource "terraform_nope" "x" {
}
