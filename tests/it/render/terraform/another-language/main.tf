terraform {
  language = foo
}
