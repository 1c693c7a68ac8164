resource "terraform_data" "x" {
  provisioner "local-exec" {
    command = "x"
    foo = 1
  }
}
