removed {
  from = data.a.b
}
