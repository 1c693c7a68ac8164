locals {
  top = "top"
}
