variable "v" {
  type = object({
    a = string
    b = optional(number, 5)
    c = optional(list(string), [])
    d = optional(object({ x = optional(string, "dx") }), {})
    e = optional(string)
  })
  default = { a = 7, zzz = 1 }
}
variable "m" {
  type    = map(object({ a = optional(string, "d") }))
  default = { x = {}, y = { a = null }, z = { a = 1 } }
}
variable "s" {
  type    = set(object({ a = optional(string, "d") }))
  default = [{}, { a = "d" }, { a = "e" }]
}
resource "terraform_data" "x" {
  input = {
    v = var.v
    m = var.m
    s = [for x in var.s : x.a]
  }
}
