# A report of one framework, as `checkov -o json` prints it; several are a list. Failed checks are findings.

# repo_file_path is relative to where Checkov ran, file_path to the folder that it scanned.
def path: text(.repo_file_path | select(startswith("/..") | not)) // text(.file_path) | file_path;

# Deployment.shop.cart: kind, namespace ("default" where the manifest has none) and name, which may hold dots.
def object_named($kind; $namespace; $name):
  if api_versions[$kind] then
    declared(null; $kind; (if $kind | is_cluster_wide then null else $namespace end); $name; {})
  else null end;
def kubernetes_object: split(".") | if length >= 3 then object_named(.[0]; .[1]; .[2:] | join(".")) else null end;

def resource($framework):
  if ($framework | among(["kubernetes", "helm", "kustomize"])) and .resource != null then text(.resource) // "" | kubernetes_object
  elif text(.resource_address) // "" | is_address then {terraform: {address: .resource_address}}
  elif ($framework | among(["terraform", "terraform_plan"])) and (.resource | is_address) then {terraform: {address: .resource}}
  else null end;

def failed($framework):
  needed(.check_id; "check_id") as $rule
  | path as $path
  | (list(.file_line_range) | {first: .[0], last: .[1]}) as $lines
  | (resource($framework) // (if $path then file($path; $lines.first; $lines.last) else null end)) as $resource
  | if $resource == null then error("\($rule): expected a resource or a file_path") else . end
  | text(.check_name) as $name
  | violation($rule; $name; {paths: [list(.check_result.evaluated_keys)[] | strings | select(. != "") | pointer_of_slashed] | unique})
  + {
    id: "\($rule):\($path // ""):\(.resource // "" | tostring)",
    resource: $resource,
    title: "\($name // $rule): \($resource | named)" | line,
    severity: severity(.severity),
    hints: (if $path then lines($path; $lines.first; $lines.last) else {} end),
    links: links(.guideline)
  } | given;

def report:
  (text(.check_type) // "") as $framework
  | needed_list(.results.failed_checks; "results.failed_checks") as $failed
  | [($failed[] | if type == "object" then failed($framework) else error("failed_checks: expected checks, found: \(type)") end),
     (list(.results.skipped_checks)[] | objects
       | ignored("\(.check_id) of \(.resource) is skipped: \(text(.check_result.suppress_comment) // "no reason given")" | line)),
     (list(.results.parsing_errors)[] | strings | ignored("Checkov could not parse \(.)" | line)),
     (list(.results.passed_checks) | length | select(. > 0) | ignored("\(.) checks passed") | of_report)]
  | if . == [] then ignored("Checkov found nothing to complain about") | of_report else .[] end;

if type != "object" then error("expected a report of checkov -o json, found: \(type)")
elif has("results") then report
elif has("passed") and has("failed") then ignored("Checkov found nothing that it could check") | of_report
else error("expected a report of checkov -o json, with check_type and results") end
