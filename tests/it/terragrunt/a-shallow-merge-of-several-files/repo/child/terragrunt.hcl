terraform {
  source = "../modules//m"
}

include "first" {
  path = "../first.hcl"
}

include "second" {
  path = "../second.hcl"
}

inputs = {
  c = "child"
}
