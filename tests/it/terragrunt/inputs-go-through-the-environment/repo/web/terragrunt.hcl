terraform {
  source = "../modules//m"
}

inputs = {
  untyped      = 5
  untyped_list = [1]
  number       = 5
  text_number  = "5"
  text         = "${5}x"
  number_text  = 5.5
  bool_text    = true
  list         = ["a", 1]
  text_list    = "[]"
  set          = toset(["a"])
  object       = { a = "1" }
  any          = { a = [1] }
  any_text     = "5"
}
