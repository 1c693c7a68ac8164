resource "terraform_data" "y" {
}
resource "terraform_data" "x" {
  provisioner "local-exec" {
    command = terraform_data.y.id
    when = destroy
  }
}
