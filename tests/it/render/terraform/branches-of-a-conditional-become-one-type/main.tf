resource "terraform_data" "x" {
  input = {
    c00 = true ? 1 : "a"
    c01 = true ? [1] : ["a", "b"]
    c02 = true ? {a = 1, b = 2} : {a = "x"}
    c03 = true ? {a = 1, b = 2} : {a = "x", b = 3}
    c04 = true ? {a = 1} : {}
    c05 = true ? null : 1
    c06 = true ? toset(["b", "a"]) : ["c"]
    c07 = false ? [] : [1, "a"]
    c08 = true ? 5 : "${null}x"
    c09 = true ? 1 : upper([])
    c10 = true ? [{a = 1}] : [{b = "x"}]
  }
}
