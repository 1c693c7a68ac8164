# What Checkov could not parse it did not look at. Of charts the files are templates, of kustomizations objects are named.
def place($framework):
  if $framework == "kustomize" then
    text(.resource) // "" | sub("^(base|overlay:[^:]*):"; "") | split(".") | select(length >= 3)
    | place_of_object(.[0]; (if .[1] == "default" or (.[0] | is_cluster_wide) then null else .[1] end); .[2:] | join("."))
  elif $framework == "helm" then text(.file_path) | place_of_file
  else (text(.repo_file_path | select(startswith("/..") | not)) // text(.file_path)) | place_of_file end;
(if type == "array" then . else [.] end)
| if all(.[]; (maybe(.results) | type) == "object" and list(.results.parsing_errors) == []) then
    .[] | text(.check_type) as $framework
    | .results | (list(.failed_checks), list(.passed_checks), list(.skipped_checks))[] | place($framework)
  else empty end
