variable "v0" {
  type    = string
  default = 1.50
}
variable "v1" {
  type    = number
  default = "0123"
}
variable "v2" {
  type    = string
  default = true
}
variable "v3" {
  type    = bool
  default = "true"
}
variable "v4" {
  type    = list(string)
  default = [1, true, "x", 2.0]
}
variable "v5" {
  type    = set(string)
  default = ["b", "a", "b", "B"]
}
variable "v6" {
  type    = map(any)
  default = { a = 1, b = "x" }
}
variable "v7" {
  type    = list(any)
  default = [1, "x", true]
}
variable "v8" {
  type    = any
  default = { l = [1, "a"], n = null }
}
variable "v9" {
  type    = tuple([string, number])
  default = [1, "2"]
}
variable "v10" {
  type    = map
  default = { a = 1 }
}
variable "v11" {
  type    = list
  default = ["a", 1]
}
resource "terraform_data" "x" {
  input = {
    v0 = var.v0
    v1 = var.v1
    v2 = var.v2
    v3 = var.v3
    v4 = var.v4
    v5 = tolist(var.v5)
    v6 = var.v6
    v7 = var.v7
    v8 = var.v8
    v9 = var.v9
    v10 = var.v10
    v11 = var.v11
  }
}
