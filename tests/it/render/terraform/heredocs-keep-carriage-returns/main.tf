resource "terraform_data" "x" {
  input = <<EOT
a
  b
EOT
}
