terraform {
  source = "../modules//m"
}

inputs = {
  a = "input"
  b = "input"
  c = "input"
  d = "input"
  e = "of no variable"
}
