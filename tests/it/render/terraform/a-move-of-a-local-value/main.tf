moved {
  from = local.a
  to = terraform_data.b
}
