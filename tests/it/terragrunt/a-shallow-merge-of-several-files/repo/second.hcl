inputs = {
  b = "second"
  c = "second"
  m = { second = "2" }
}
