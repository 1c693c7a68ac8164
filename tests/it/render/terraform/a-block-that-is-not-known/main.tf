foo "a" {
}
