# A report of trivy-operator as its webhook posts it: the object, or {"verb": ..., "operatorObject": ...}. Checks of the
# configuration that failed are findings.

# Labels name the object that was checked; its name is hashed or left out where it is no label's value.
def labelled($name): text(.metadata.labels["trivy-operator.resource.\($name)"]) // text(.metadata.annotations["trivy-operator.resource.\($name)"]);
def owner: [list(.metadata.ownerReferences)[] | objects | select(.controller != false)][0] // {};

def resource: . as $report
  | owner as $owner
  | (labelled("kind") // text($owner.kind)) as $kind
  | (labelled("name") // text($owner.name)) as $name
  | (labelled("namespace") // text(.metadata.namespace) | said) as $namespace
  | if $kind == null or $name == null then null
    elif api_versions[$kind] then declared(null; $kind; (if $kind | is_cluster_wide then null else $namespace end); $name; {})
    elif text($owner.apiVersion) and $owner.kind == $kind then kubernetes($owner.apiVersion; $kind; $namespace; $name)
    else null end;

# "Container 'app' of Deployment 'web' should ...", container app of deployment web in default namespace should ...
def container: [list(.messages)[] | strings | maybe(capture("^[Cc]ontainer ['\"]?(?<name>[^'\" ]+)['\"]? of ")) | select(. != null) | .name]
  | unique | if length == 1 then .[0] else null end;

def check($resource):
  (text(.checkID) // text(.id) // error("report.checks: expected a checkID")) as $rule
  | if $resource == null then ignored("\($rule): the report does not name the object that was checked" | line)
    else
      violation($rule; text(.title); {container: container, messages: [list(.messages)[] | strings], remediation: text(.remediation)})
      + {
        id: "\($rule):\($resource | named)",
        resource: $resource,
        title: "\(text(.messages[0]) // text(.title) // $rule): \($resource | named)" | line,
        severity: severity(.severity)
      } | given
    end;

def report:
  . as $report
  | resource as $resource
  | needed_list(.report.checks; "report.checks") as $checks
  | [($checks[] | if type != "object" then error("report.checks: expected checks, found: \(type)") else . end
      | select(.success != true) | check($resource)),
     ([$checks[] | select(.success == true)] | length | select(. > 0) | ignored("\(.) checks passed"))]
  | if . == [] then ignored("the report has no checks") else .[] end
  | if .intent then . + ({time: time($report.report.updateTimestamp)} | present) else . end;

def posted:
  (text(.kind) // "?") as $kind
  | if $kind | among(["ConfigAuditReport", "ClusterConfigAuditReport", "RbacAssessmentReport", "ClusterRbacAssessmentReport",
      "InfraAssessmentReport", "ClusterInfraAssessmentReport"]) then report
    elif $kind | test("^(Cluster)?(Vulnerability|Sbom)Report$") then ignored("\($kind): an update of a package mends it, no field")
    elif $kind | test("^(Cluster)?(ExposedSecret|Compliance)Report$") then ignored("\($kind): nothing that a field of the object mends")
    else error("kind: expected a report of trivy-operator, such as ConfigAuditReport") end;

if type != "object" then error("expected a report of trivy-operator, found: \(type)")
elif (.operatorObject | type) == "object" then
  if .verb == "delete" then ignored("a report was deleted: the object is gone, or is checked again")
  else .operatorObject | posted end
elif has("report") or has("kind") then posted
else error("expected a report of trivy-operator, with kind and report") end
