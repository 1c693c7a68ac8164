# What Checkov could not parse it did not look at.
(if type == "array" then . else [.] end)
| if all(.[]; (maybe(.results) | type) == "object" and list(.results.parsing_errors) == []) then
    .[].results | (list(.failed_checks), list(.passed_checks), list(.skipped_checks))[]
    | (text(.repo_file_path | select(startswith("/..") | not)) // text(.file_path)) | place_of_file
  else empty end
