inputs = {
  a = "a"
}
