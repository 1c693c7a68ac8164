variable "env" {
  type = string
}

variable "run" {
  type = string
}

variable "dep" {
  type = string
}

variable "mixed" {
  type = map(string)
}

variable "flag" {
  type = bool
}

variable "secret" {
  type = string
}

resource "terraform_data" "it" {
  input = {
    env = var.env
    run = var.run
    dep = var.dep
    mixed = var.mixed
    flag = var.flag
    secret = var.secret
  }
}
