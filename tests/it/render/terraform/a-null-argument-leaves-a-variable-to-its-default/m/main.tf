variable "a" {
  default = "da"
}

variable "b" {
  default  = "db"
  nullable = false
}

variable "c" {
  type = object({
    x = optional(string, "dx")
    y = optional(list(number), [1])
  })
}

output "all" {
  value = { a = var.a, b = var.b, c = var.c }
}
