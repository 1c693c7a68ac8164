inputs = {
  a = "first"
  b = "first"
  c = "first"
  m = { first = "1" }
}
