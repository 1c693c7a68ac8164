resource "terraform_data" "x" {
  input      = 1
  depends_on = [terraform_data.y]
  lifecycle {
    ignore_changes        = [input]
    create_before_destroy = true
    replace_triggered_by  = [terraform_data.y]
  }
  provisioner "local-exec" {
    command = "echo ${self.id}"
  }
}
resource "terraform_data" "y" {
  triggers_replace = [1, { a = "b" }]
}
moved {
  from = terraform_data.old
  to   = terraform_data.x
}
