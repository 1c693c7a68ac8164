resource "terraform_data" "x" {
  provisioner "local-exec" {
    command = "x"
    interpreter = ["a"]
    working_dir = "b"
    environment = {A = 1}
    quiet = true
  }
}
