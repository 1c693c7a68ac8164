terraform {
  source = "../modules//m"
}

dependency "db" {
  config_path = "../db"

  mock_outputs = {
    id = "mock"
  }
}

feature "on" {
  default = false
}

inputs = {
  env    = get_env("E", "default")
  run    = run_cmd("date")
  dep    = dependency.db.outputs.id
  mixed  = { known = "k", open = dependency.db.outputs.id }
  flag   = feature.on.value
  secret = yamldecode(sops_decrypt_file("s.yaml")).x
}
