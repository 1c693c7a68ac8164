resource "terraform_data" "x" {
  connection {
    host = 1
  }
  connection {
    host = 2
  }
}
