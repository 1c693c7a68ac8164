include "mid" {
  path = "../mid.hcl"
}

terraform {
  source = "../modules//m"
}

