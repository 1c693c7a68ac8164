resource "terraform_data" "x" {
  input = {
    a = try(local.nope, 1)
  }
}
