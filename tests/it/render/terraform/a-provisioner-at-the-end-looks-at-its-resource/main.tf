resource "terraform_data" "x" {
  provisioner "local-exec" {
    command = self.id
    when = destroy
  }
}
