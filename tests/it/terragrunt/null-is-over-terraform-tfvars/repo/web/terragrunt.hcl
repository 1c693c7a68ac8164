terraform {
  source = "../modules//m"
}

inputs = {
  a = null
  b = null
  c = null
}
