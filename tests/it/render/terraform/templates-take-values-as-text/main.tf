resource "terraform_data" "x" {
  input = {
    c00 = "${true}-${1.50}-${"x"}"
    c01 = "$${a} %%{b} $ % $$ %%"
    c02 = "${[1, "a"]}"
    c03 = "a ${~ "b" ~} c"
    c04 = "%{ if true }a%{ else }b%{ endif }"
    c05 = "%{ for x in ["a", "b"] }${x},%{ endfor }"
    c06 = "%{ for k, v in {a = 1} ~} ${k}=${v} %{~ endfor }"
    c07 = "e\u0301" == "é"
    c08 = length("e\u0301")
    c09 = "\U0001F600"
  }
}
