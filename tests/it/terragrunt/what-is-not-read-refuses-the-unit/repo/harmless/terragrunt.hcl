include "root" {
  path = find_in_parent_folders("root.hcl")
}

terraform {
  source = "../modules//m"

  extra_arguments "lock" {
    commands  = ["plan"]
    arguments = ["-lock-timeout=20m"]
  }
}

generate "provider" {
  path      = "provider.tf"
  if_exists = "overwrite"
  contents  = <<-EOT
    provider "aws" {
      region = "${get_env("REGION")}"
    }
  EOT
}
