locals {
  subnets = {
    a = { cidr = "10.0.1.0/24", tier = "public" }
    b = { cidr = "10.0.2.0/24", tier = "private" }
  }
}

module "net" {
  source   = "./net"
  for_each = local.subnets
  name     = "shop-${each.key}"
  cidr     = each.value.cidr
  tags     = { Tier = each.value.tier }
}

resource "aws_security_group" "web" {
  name        = "web"
  description = "What may reach the shop"

  ingress {
    from_port   = 443
    to_port     = 443
    cidr_blocks = ["0.0.0.0/0"]
  }
}
