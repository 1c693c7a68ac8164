# A notification of HCP Terraform. An assessment tells that a workspace drifted and in how many resources; which and how has
# to be read from its API.

# Notifications of assessments have the names in details, those of runs beside them.
def workspace: {workspace: ({
  organization: (text(.details.organization_name) // text(.organization_name)),
  name: (text(.details.workspace_name) // needed(.workspace_name; "workspace_name"))
} | present)};
def workspace_id: text(.details.workspace_id) // text(.workspace_id);

def assessment:
  workspace as $workspace
  | object(.details.new_assessment_result) as $result
  | text(.trigger) as $trigger
  | if $trigger == "assessment:drifted" and $result.drifted != false then
      {
        id: (workspace_id // ($workspace | named)),
        intent: "drift",
        resource: $workspace,
        title: "\($workspace | named) has drifted\(if ($result.resources_drifted | type) == "number" then " in \($result.resources_drifted) resources" else "" end)" | line,
        time: time($result.created_at),
        links: links($result.url)
      } | given
    elif $trigger == "assessment:check_failure" then
      violation("assessment:check_failure"; "A check of the workspace fails"; {failed: maybe($result.checks_failed)})
      + {id: "checks:\(workspace_id // ($workspace | named))", resource: $workspace, title: "a check of \($workspace | named) fails" | line,
         time: time($result.created_at), links: links($result.url)} | given
    else ignored("\($workspace | named): \($trigger // "?") tells of no drift" | line) end;

if type != "object" then error("expected a notification of HCP Terraform, found: \(type)")
elif text(.trigger) // "" | startswith("assessment:") then assessment
elif (.notifications | type) == "array" then
  if .notifications | any(maybe(.trigger) == "verification") then ignored("HCP Terraform checks that the address answers")
  else ignored("\(text(.workspace_name) // "a workspace"): \([.notifications[] | maybe(.trigger) | strings] | join(", ")) tells of a run, not of drift" | line) end
elif text(.trigger) then ignored("\(.trigger) tells of no drift" | line)
else error("expected a notification of HCP Terraform, with trigger or notifications") end
