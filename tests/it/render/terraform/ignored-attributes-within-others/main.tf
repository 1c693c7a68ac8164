resource "terraform_data" "x" {
  lifecycle {
    ignore_changes = [input.foo, input["a"], output[0]]
  }
}
