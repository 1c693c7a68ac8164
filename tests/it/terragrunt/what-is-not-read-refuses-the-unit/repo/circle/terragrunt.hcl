terraform {
  source = "../modules//m"
}

locals {
  a = local.b
  b = local.a
}
