import {
  to = "terraform_data.x"
  id = "a"
}
resource "terraform_data" "x" {}
