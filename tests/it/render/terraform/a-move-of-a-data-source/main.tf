moved {
  from = data.a.b
  to = data.a.c
}
