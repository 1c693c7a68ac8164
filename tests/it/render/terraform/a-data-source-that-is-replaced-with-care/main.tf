data "terraform_remote_state" "x" {
  backend = "local"
  config = {path = "nope"}
  lifecycle {
    create_before_destroy = true
  }
}
