# [sender, report] to the places that a report looked at, wrong or not: files, Terraform addresses, objects as "Kind
# namespace/name". Nothing where it may not hold all that is wrong with them: only what is known to be complete is.

def list(f): [f?] | .[0] | if type == "array" then . else [] end;
def text(f): [f?] | .[0] | if type == "string" and . != "" then . else null end;
def file: text(.) | if . then sub("^(\\./|/)+"; "") else empty end;
def object($kind; $namespace; $name): "\($kind) \(if $namespace then $namespace + "/" else "" end)\($name)";

# Since Terraform 1.8 a plan says whether it is of everything; of one with -target, complete is false. What is in no state was
# not refreshed: a plan over an empty state has looked at nothing.
def deep: [recurse(list(.child_modules)[]) | list(.resources)[] | text(.address) // empty];
def plan: if type == "object" and .complete == true and .errored != true
  then (.prior_state.values.root_module? // {} | deep[]), (list(.resource_drift)[] | text(.address) // empty)
  else empty end;

# What Checkov could not parse it did not look at.
def checkov: (if type == "array" then . else [.] end)
  | if all(.[]; ([.results?] | .[0] | type) == "object" and list(.results.parsing_errors) == []) then
      .[].results | (list(.failed_checks), list(.passed_checks), list(.skipped_checks))[]
      | (text(.repo_file_path | select(startswith("/..") | not)) // text(.file_path)) | file
    else empty end;

# A file without a misconfiguration is listed with the count of checks that it passed.
def looked: list(.Misconfigurations) != [] or ((.MisconfSummary.Successes? // 0) + (.MisconfSummary.Failures? // 0) > 0);
def trivy:
  (list(.Results)[] | select(looked) | .Target? | file),
  (list(.Resources)[] | select(any(list(.Results)[]; looked) and text(.Kind) and text(.Name))
    | object(.Kind; text(.Namespace); .Name));

# apps/v1/shop/Deployment/cart, or /v1/shop/Pod/cart.
def identity: [split("/")[] | select(. != "")]
  | (if .[0] | test("^v[0-9]") then .[1:] else .[2:] end)
  | if length == 3 then object(.[1]; .[0]; .[2]) elif length == 2 then object(.[0]; null; .[1]) else empty end;
def kubescape:
  ([list(.resources)[] | select(text(.resourceID)) | {key: .resourceID, value: text(.source.relativePath)}] | from_entries) as $files
  | list(.results)[] | select(list(.controls) != []) | text(.resourceID) // empty
  | . as $id | ($files[$id] | if . then file else $id | identity end);

. as [$sender, $report] | $report
| if $sender == "terraform" then plan
  elif $sender == "checkov" then checkov
  elif $sender == "trivy" then trivy
  elif $sender == "kubescape" then kubescape
  else empty end
