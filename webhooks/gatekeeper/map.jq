# A violation as the audit or the webhook exports it, the same as a line of either pod's log (--log-denies), or a constraint
# whose status lists violations.

def found($v):
  declared(api_version($v.group; $v.version); $v.kind; $v.namespace; $v.name; $v.labels) as $resource
  | violation($v.rule; $v.constraint; {action: $v.action, message: $v.message, details: $v.details, parameters: $v.parameters})
  + {
    id: "\($v.rule)/\($v.constraint):\($resource | named):\($v.message)",
    resource: $resource,
    title: "\($v.message // $v.constraint): \($resource | named)" | line,
    severity: ({deny: "high", warn: "medium", dryrun: "low"}[$v.action // ""]),
    time: $v.time,
    actor: ({user: $v.user} | given)
  } | given;

# The export writes camelCase, the log snake_case.
def reported($camel; $snake; $where): text(.[$camel]) // text(.[$snake]) // (if $where then error("\($where): expected a text") else null end);

# Who creates an object may leave its name to the API server: then the webhook does not know it yet.
def is_unnamed: ((text(.eventType) // text(.event_type)) != "violation_audited") and reported("resourceName"; "resource_name"; null) == null;

def single: if is_unnamed then ignored("\(reported("name"; "constraint_name"; null) // "a constraint"): the object has no name yet" | line) else found({
  rule: reported("kind"; "constraint_kind"; if has("event_type") then "constraint_kind" else "kind" end),
  constraint: reported("name"; "constraint_name"; if has("event_type") then "constraint_name" else "name" end),
  action: reported("enforcementAction"; "constraint_action"; null),
  message: (reported("message"; "msg"; null) | if . then sub("^denied admission: "; "") else null end),
  details: object(.details),
  group: reported("resourceGroup"; "resource_group"; null),
  version: reported("resourceAPIVersion"; "resource_api_version"; "resourceAPIVersion"),
  kind: reported("resourceKind"; "resource_kind"; "resourceKind"),
  namespace: reported("resourceNamespace"; "resource_namespace"; null),
  name: reported("resourceName"; "resource_name"; "resourceName"),
  labels: (object(.resourceLabels) + object(.resource_labels)),
  time: (time(.timestamp) // time(.id) // time(.audit_id)),
  user: reported("requestUsername"; "request_username"; null)
}) end;

def violations: . as $constraint
  | list(.status.violations)[]
  | if type != "object" then error("status.violations: expected objects, found: \(type)")
    else found({
      rule: $constraint.kind, constraint: text($constraint.metadata.name), parameters: object($constraint.spec.parameters),
      action: text(.enforcementAction), message: text(.message),
      group: text(.group), version: needed(.version; "status.violations.version"), kind: needed(.kind; "status.violations.kind"),
      namespace: text(.namespace), name: needed(.name; "status.violations.name"), labels: {},
      time: time($constraint.status.auditTimestamp)
    }) end;

def constraint:
  [violations] as $all
  | ((maybe(.status.totalViolations) | if type == "number" then . else 0 end) - ($all | length)) as $more
  | (if $all == [] then ignored("the constraint \(.metadata.name) is not violated" | line) else $all[] end),
    (if $more > 0 then ignored("\($more) more violations are not listed in the constraint's status") else empty end);

if type != "object" then error("expected a violation of Gatekeeper, found: \(type)")
elif (text(.eventType) // text(.event_type)) | among(["violation_audited", "violation_admission", "violation"]) then single
elif (.apiVersion | type) == "string" and (.apiVersion | startswith("constraints.gatekeeper.sh/")) and (.kind | type) == "string" then constraint
elif text(.message) // "" | startswith("audit is ") then ignored("the audit tells that it began or ended")
elif text(.logger) or text(.level) or text(.event_type) then ignored("a line of the log without a violation")
else error("expected eventType violation_audited, a line of the audit log, or a constraint") end
