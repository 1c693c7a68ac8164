# A report of one framework, as `checkov -o json` prints it; several are a list. Failed checks are findings.

# repo_file_path is relative to where Checkov ran, file_path to the folder that it scanned. Of charts the former is a temporary
# folder's.
def path($framework): (if $framework == "helm" then null else text(.repo_file_path | select(startswith("/..") | not)) end) // text(.file_path) | file_path;

# Charts and kustomizations are rendered first: the lines are those of what came out, not of a file of the source.
def is_rendered: among(["helm", "kustomize"]);

# Deployment.shop.cart: kind, namespace ("default" where the manifest has none) and name, which may hold dots.
def object_named($kind; $namespace; $name):
  if api_versions[$kind] then
    declared(null; $kind; (if $kind | is_cluster_wide then null else $namespace end); $name; {})
  else null end;
def kubernetes_object: split(".") | if length >= 3 then object_named(.[0]; .[1]; .[2:] | join(".")) else null end;

# A chart's objects have names of a release that Checkov made up: where they are declared tells which they are. Those of a
# kustomization begin with base: or overlay:prod:, and their lines tell nothing of where an object without a namespace is declared.
def resource($framework):
  if $framework == "helm" then null
  elif ($framework | among(["kubernetes", "kustomize"])) and .resource != null then
    text(.resource) // "" | sub("^(base|overlay:[^:]*):"; "") | kubernetes_object
    | if $framework == "kustomize" and .kubernetes.namespace == "default" then del(.kubernetes.namespace) else . end
  elif text(.resource_address) // "" | is_address then {terraform: {address: .resource_address}}
  elif ($framework | among(["terraform", "terraform_plan"])) and (.resource | is_address) then {terraform: {address: .resource}}
  else null end;

def failed($framework):
  needed(.check_id; "check_id") as $rule
  | path($framework) as $path
  | (if $framework | is_rendered then [] else list(.file_line_range) end | {first: .[0], last: .[1]}) as $lines
  | (resource($framework) // (if $path then file($path; $lines.first; $lines.last) else null end)) as $resource
  | if $resource == null then error("\($rule): expected a resource or a file_path") else . end
  | text(.check_name) as $name
  | violation($rule; $name; {paths: [list(.check_result.evaluated_keys)[] | strings | select(. != "") | pointer_of_slashed] | unique})
  + {
    id: "\($rule):\($path // ""):\(.resource // "" | tostring)",
    resource: $resource,
    title: "\($name // $rule): \($resource | named)" | line,
    severity: severity(.severity),
    hints: (if $path and $framework != "kustomize" then lines($path; $lines.first; $lines.last) else {} end),
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
