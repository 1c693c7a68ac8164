removed {
  from = terraform_data.a
  lifecycle {
    foo = true
  }
}
