# A scan of Kubescape (--format json, v2), or one resource's result. A control that failed is a finding; fixPath says what
# the field should be.

# apps/v1/shop/Deployment/cart, /v1/shop/Pod/cart, rbac.authorization.k8s.io/v1//ClusterRole/admin; the group may be empty
# and so left out, and what has no namespace has an empty part, or one part fewer. Of files path=1234567890/api= stands before
# it; a subject, its role and the binding of both are one resource, of which the binding is what a source declares.
def binding: maybe(capture("(^|/)(?<id>rbac\\.authorization\\.k8s\\.io/v1/[^/]*/(Cluster)?RoleBinding/[^/]+)")) | if . then .id else null end;
def object_of: sub("^path=[^/]*/api="; "") | (if split("/") | length > 5 then binding // . else . end) | split("/")
  | (if .[0] == "" then .[1:] else . end)
  | (if .[0] | test("^v[0-9]") then {version: .[0], rest: .[1:]} else {version: "\(.[0])/\(.[1] // "")", rest: .[2:]} end)
  | if (.rest | length) == 3 and (.rest[1] | test("^[A-Z]")) then {version, namespace: .rest[0], kind: .rest[1], name: .rest[2]}
    elif (.rest | length) == 2 and (.rest[0] | test("^[A-Z]")) then {version, namespace: null, kind: .rest[0], name: .rest[1]}
    else null end;

def identity: object_of | if . and .name != "" then declared(.version; .kind; .namespace; .name; {}) + {reported: .kind} else null end;

# Values are texts; what they mean shows in the field. YOUR_VALUE stands for what a person has to choose.
def value: if . == "true" then true elif . == "false" then false else . end;
def repairs: [list(.rules)[] | list(.paths)[] | object(.fixPath) | select(text(.path)) | {path: (.path | pointer_of_dotted), value: (.value | value)}];
def failing: [list(.rules)[] | list(.paths)[] | text(.failedPath), text(.reviewPath), text(.deletePath) | strings | pointer_of_dotted]
  | unique;
def deleted: [list(.rules)[] | list(.paths)[] | text(.deletePath) | strings | pointer_of_dotted] | unique;
def containers: [list(.rules)[] | list(.paths)[] | (text(.fixPath.path), text(.failedPath)) | strings
  | maybe(capture("ontainers\\[(?<index>[0-9]+)\\]")) | select(. != null) | .index | tonumber] | unique;

def status: (text(.status.status) // text(.status) // text(.statusInfo.status) // "failed") | ascii_downcase;

def control($resource; $kind; $source):
  needed(.controlID; "controlID") as $rule
  | (text(.name) // $rule) as $name
  | [repairs[] | .path |= path_in($resource; $kind)] as $repairs
  | violation($rule; text(.name); {
      paths: [(failing + [repairs[] | .path])[] | path_in($resource; $kind)] | unique,
      fixes: [$repairs[] | select(.value | type != "string" or (startswith("YOUR_") | not))],
      to_choose: [$repairs[] | select(.value | type == "string" and startswith("YOUR_")) | .path],
      delete: [deleted[] | path_in($resource; $kind)]})
  + {
    id: "\($rule):\($resource | named)",
    resource: $resource,
    title: "\($name): \($resource | named)" | line,
    severity: (severity(.severity) // (maybe(.scoreFactor) | if type != "number" then null
      elif . >= 9 then "critical" elif . >= 7 then "high" elif . >= 4 then "medium" else "low" end)),
    hints: ($source | lines(.; null; null))
  } | given;

def result($sources):
  if type != "object" then error("results: expected objects, found: \(type)") else . end
  | needed(.resourceID; "resourceID") as $id
  | ($id | identity) as $found
  | text($sources[$id]) as $source
  | listed(.controls; "controls")[] | if type != "object" then error("controls: expected objects, found: \(type)") else . end
  | if status != "failed" then ignored("\(.controlID) of \($id) is \(status)" | line)
    elif $found == null then ignored("\(.controlID) of \($id): no object of Kubernetes" | line)
    else control($found | {kubernetes}; $found.reported; $source) end;

# Passed controls are many: they are counted.
def summed: . as $all
  | [$all[] | select(.ignored == null or (.ignored | test(" is (passed|skipped|irrelevant)$") | not))] as $told
  | $told[], (($all | length) - ($told | length) | select(. > 0) | ignored("\(.) controls passed or were skipped"));

def scan:
  ([list(.resources)[] | objects | select(text(.resourceID) and text(.source.relativePath))
    | {key: .resourceID, value: .source.relativePath}] | from_entries) as $sources
  | [needed_list(.results; "results")[] | result($sources)]
  | if . == [] then ignored("Kubescape found nothing to complain about") else summed end;

# Objects that Kubescape's operator stores in the cluster.
def stored:
  (object(.metadata.labels)) as $labels
  | kind_of($labels["kubescape.io/workload-kind"]) as $kind
  | text($labels["kubescape.io/workload-name"]) as $name
  | if $kind == null or $name == null then error("metadata.labels: expected kubescape.io/workload-kind and -name") else . end
  | declared(null; $kind; text($labels["kubescape.io/workload-namespace"]); $name; {}) as $resource
  | [object(.spec.controls) | to_entries[] | .value | objects
    | if status == "failed" then control($resource; $kind; null) else ignored("\(.controlID) is \(status)" | line) end]
  | if . == [] then ignored("the scan has no controls") else summed end;

# An alert of the node agent's HTTP exporter.
def alert: . as $alert
  | object(.RuntimeK8sDetails) + object(.runtimeK8sDetails) + object(.k8sDetails) + .
  | (text(.namespace) // text(.podNamespace)) as $namespace
  | (text(.ruleName) // text(.RuleID) // text(.ruleID) // text(.alertName) // error("spec.alerts: expected a ruleName")) as $rule
  | kind_of(.workloadKind) as $kind
  | (if $kind and text(.workloadName) and $namespace then declared(null; $kind; $namespace; .workloadName; {})
     elif text(.podName) and $namespace then declared("v1"; "Pod"; $namespace; .podName; {}) else null end) as $resource
  | if $resource == null then ignored("\($rule): the alert names no workload" | line)
    else violation($rule; null; {container: text(.containerName), image: text(.image)})
      + {id: "\($rule):\($resource | named)", resource: $resource, title: "\($rule): \($resource | named)" | line, time: time(.timestamp)} | given
    end;

if type != "object" then error("expected a scan of Kubescape, found: \(type)")
elif has("results") then scan
elif has("resourceID") and has("controls") then [result({})] | summed
elif .kind == "WorkloadConfigurationScan" then stored
elif (.kind // "" | tostring | test("Summary$|^VulnerabilityManifest$")) then ignored("\(.kind): counts, not failed controls")
elif (.spec.alerts? | type) == "array" then
  if .spec.alerts == [] then ignored("no alerts") else .spec.alerts[] | if type == "object" then alert else error("spec.alerts: expected objects") end end
else error("expected a scan of Kubescape --format json, with results") end
