resource "terraform_data" "o" {
  input = {a = 1, l = ["x"], s = "str"}
}
resource "terraform_data" "x" {
  input = {
    c00 = terraform_data.o.id
    c01 = "id-${terraform_data.o.id}"
    c02 = [terraform_data.o.id, "k"]
    c03 = length([terraform_data.o.id])
    c04 = startswith("pre-${terraform_data.o.id}", "pre-")
    c05 = terraform_data.o.id == null
    c06 = terraform_data.o.id == "" ? 1 : 2
    c07 = terraform_data.o.id == "" ? null : null
    c08 = false && terraform_data.o.id == ""
    c09 = keys({a = terraform_data.o.id})
    c10 = merge({a = 1}, {b = terraform_data.o.id}).a
    c11 = length(terraform_data.o.output.l)
    c12 = try(terraform_data.o.output.nope, 1)
    c13 = [for x in [terraform_data.o.id] : x]
    c14 = [for x in ["a"] : x if x == terraform_data.o.id]
    c15 = "a-${terraform_data.o.id}" == "b"
    c16 = (terraform_data.o.id == "" ? 1 : 3) > 0
  }
}
