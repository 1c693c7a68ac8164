variable "region" {
  type = string
}

variable "owner" {
  type = string
}

variable "twice" {
  type = string
}

resource "terraform_data" "it" {
  input = {
    region = var.region
    owner = var.owner
    twice = var.twice
  }
}
