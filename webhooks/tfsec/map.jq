# A report of `tfsec --format json`: {"results": [...]}, null where nothing was found.

def failed:
  (text(.rule_id) // text(.long_id) // error("results: expected a rule_id")) as $rule
  | maybe(.location.start_line) as $line | maybe(.location.end_line) as $last
  | (text(.location.filename) | file_path) as $path
  | (if .resource | is_address then {terraform: {address: .resource}}
     elif $path then file($path; $line; $last)
     else error("\($rule): expected a resource or a location") end) as $resource
  | violation($rule; text(.rule_description); {resolution: text(.resolution)})
  + {
    id: "\($rule):\($path // ""):\($resource | named)",
    resource: $resource,
    title: (text(.description) // text(.rule_description) // $rule | line),
    severity: severity(.severity),
    hints: (if $path then lines($path; $line; $last) else {} end),
    links: links(list(.links)[])
  } | given;

def result:
  if type != "object" then error("results: expected objects, found: \(type)")
  elif .status == 1 then ignored("\(.rule_id) passed" | line)
  elif .status == 2 then ignored("\(.rule_id) is ignored by a comment" | line)
  else failed end;

if type != "object" or (has("results") | not) then error("expected a report of tfsec --format json, with results")
elif .results == null or .results == [] then ignored("tfsec found nothing to complain about")
else needed_list(.results; "results")[] | result end
