terraform {
  required_providers {
    terraform = {
      source = "a/b/c/d"
    }
  }
}
