locals {
  pairs = { for pair in setproduct(["a", "b"], [1, 2]) : "${pair[0]}${pair[1]}" => pair }
}

resource "terraform_data" "x" {
  for_each = local.pairs
  input    = { key = each.key, cidr = cidrsubnet("10.0.0.0/16", 8, each.value[1]), all = each.value }
}
