resource "terraform_data" "x" {
  input = [
    <<-EOT
      a
        b ${1}

      c \n $${x} "q"
    EOT
    ,
    <<EOT
  kept
EOT
    ,
    <<-EOT
      ${"  lead"}
        after
    EOT
    ,
    <<-EOT
    %{ for x in ["a", "b"] ~}
      - ${x}
    %{ endfor ~}
    end
    EOT
  ]
}
