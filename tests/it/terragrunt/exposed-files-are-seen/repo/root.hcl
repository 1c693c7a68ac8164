locals {
  region = "eu"
}

inputs = {
  owner = "acme"
}
