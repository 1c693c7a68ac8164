# A policy report of any engine (wgpolicyk8s.io, openreports.io), or one result as Policy Reporter posts it.

# "... failed at path /spec/template/spec/containers/0/image/": where a pattern does not fit.
def paths: [text(.message) // "" | scan("at path (/[^ ,;]*)") | .[0] | sub("[/.]+$"; "") | select(. != "")] | unique;

# The controller's kind is checked by a generated copy of the rule for pods.
def own_rule: if . == null then null else sub("^autogen-(cronjob-)?"; "") end;

# Seconds below a thousand million are no time: falcosidekick writes the second of the minute there.
def when: time(.creationTimestamp)
  // (maybe(.timestamp.seconds) | if type == "number" and . >= 1000000000 then unix_time else null end);

def object_of($report; $ref):
  (text($ref.namespace) // text($report.metadata.namespace)) as $namespace
  | needed($ref.kind; "kind of the resource") as $kind
  | declared(text($ref.apiVersion); $kind; (if $kind | is_cluster_wide then null else $namespace end);
      needed($ref.name; "name of the resource"); {});

# The resources of a result: its own, else the report's.
def references($report): [list(.resources // .subjects)[] | objects], [object(.resource)], [object($report.scope)],
  [list($report.metadata.ownerReferences)[] | objects] | map(select(text(.kind) and text(.name))) | select(. != []);

def failed($report; $reference):
  . as $result
  | (text(.policy) // needed(.rule; "policy")) as $policy
  | object_of($report; $reference) as $resource
  | violation($policy; text(.rule) | own_rule; {
      rule: (text(.rule) | own_rule), paths: [paths[] | path_in($resource; $reference.kind)], message: (text(.message) // text(.description)), engine: (text(.source) // text($report.source)),
      category: text(.category), properties: object(.properties)})
  + {
    id: "\($policy)/\(.rule // "" | tostring):\($resource | named)",
    resource: $resource,
    title: "\($policy): \(text(.message) // text(.description) // text(.rule) // "broken") (\($resource | named))" | line,
    severity: (severity(.severity) // severity(.properties.severity)),
    time: when
  } | given;

def result($report):
  (text(.result) // text(.status)) as $outcome
  | "\(text(.policy) // text(.rule) // "a result")" as $name
  | first(references($report), null) as $references
  | if text(.properties.VulnerabilityID) then ignored("\(.properties.VulnerabilityID): an update of a package mends it, no field" | line)
    elif $outcome == "error" then ignored("\($name) could not be evaluated: \(text(.message) // "?")" | line)
    elif $outcome | among(["fail", "warn"]) | not then error("result: expected pass, fail, warn, error or skip")
    elif $references == null then ignored("\($name): the report names no resource" | line)
    else $references[] as $reference | failed($report; $reference) end;

def settled: objects | text(.result) // text(.status) | . == "pass" or . == "skip";

def report:
  . as $report
  | needed_list(.results; "results") as $all
  | [($all[] | select(settled | not) | if type == "object" then result($report) else error("results: expected objects, found: \(type)") end),
     ([$all[] | select(settled)] | length | select(. > 0) | ignored("\(.) results pass or are skipped"))]
  | if . == [] then ignored("the report has no results") else .[] end;

if type != "object" then error("expected a policy report, found: \(type)")
elif .event == "heartbeat" then ignored("a heartbeat")
elif (.kind // "" | tostring | test("Report$")) then
  if has("results") then report else ignored("the report has no results") end
elif has("policy") and has("resource") then if settled then ignored("\(.policy) passes" | line) else result({}) end
else error("expected a PolicyReport with results, or a result of Policy Reporter") end
