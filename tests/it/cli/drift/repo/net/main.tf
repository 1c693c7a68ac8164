variable "name" {}

variable "cidr" {}

variable "map_public" {
  default = false
}

variable "tags" {
  type    = map(string)
  default = {}
}

resource "aws_subnet" "this" {
  cidr_block              = var.cidr
  map_public_ip_on_launch = var.map_public
  tags                    = merge(var.tags, { Name = var.name })
}

output "id" {
  value = aws_subnet.this.id
}
