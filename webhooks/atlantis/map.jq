# A drift webhook of Atlantis, or the answer of its API. Each project that drifted is one finding: it names folder and
# repository, and how many resources, but not which.

def workspace($repository): {workspace: ({organization: $repository,
  name: ([text(.path) // text(.directory) // text(.project_name), (text(.workspace) | if . == "default" then null else . end)] | map(select(. != null)) | join(":"))} | present)};

def count($name): maybe(.[$name]) // maybe(.drift[$name]) | if type == "number" then . else 0 end;

def project($repository; $ref; $time):
  if type != "object" then error("projects: expected objects, found: \(type)") else . end
  | workspace($repository) as $workspace
  | if $workspace.workspace.name == "" then error("projects: expected a path or a project_name")
    elif text(.error) then ignored("\($workspace | named): Atlantis could not plan it: \(.error)" | line)
    elif .has_drift == false then ignored("\($workspace | named) has not drifted" | line)
    elif .has_drift != true then error("projects: has_drift: expected true or false")
    else {
        id: "\($repository):\($workspace | named)",
        intent: "drift",
        resource: $workspace,
        title: "\($workspace | named) has drifted: \(count("to_add")) to add, \(count("to_change")) to change, \(count("to_destroy")) to destroy" | line,
        time: (time(.last_checked) // $time),
        hints: ({repository: $repository, revision: $ref, path: (text(.path) // text(.directory))} | given)
      } | given
    end;

def detected: . as $result
  | needed(.repository; "repository") as $repository
  | needed_list(.projects; "projects")
  | if . == [] then ignored("Atlantis checked no project")
    else .[] | project($repository; text($result.ref) // text(maybe(.ref)); time($result.detected_at)) end;

if type != "object" then error("expected a drift webhook of Atlantis, found: \(type)")
elif has("success") and (.data | type) == "object" then .data | detected
elif .success == false then ignored("Atlantis reports an error: \(.error)" | line)
elif has("projects") then detected
elif (.Workspace // .workspace) != null and (.Repo // .repo // .Pull // .pull) != null then ignored("an apply, not drift")
else error("expected a drift webhook of Atlantis, with repository and projects") end
