variable "list" {
  type    = list(string)
  default = ["a", "b", "c"]
}

resource "terraform_data" "last" {
  input = element(var.list, -1)
}
resource "terraform_data" "first" {
  input = [element(var.list, -3), element(var.list, -4)]
}
resource "terraform_data" "split" {
  input = element(split("/", "x/y/z"), -1)
}
resource "terraform_data" "tuple" {
  input = try(element(["a", "b", "c"], -1), "none")
}
