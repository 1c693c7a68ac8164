inputs = {
  name = "db"
}
