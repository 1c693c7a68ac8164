locals {
  a = "prod"
}
