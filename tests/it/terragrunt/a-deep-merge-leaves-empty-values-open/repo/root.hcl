inputs = {
  on    = true
  size  = 3
  name  = "n"
  other = "o"
}
