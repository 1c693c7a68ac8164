# A policy report of any engine (wgpolicyk8s.io, openreports.io, Kyverno's own EphemeralReport), or one result as Policy Reporter
# posts it.

# "... failed at path /spec/template/spec/containers/0/image/": where a pattern does not fit.
def paths: [text(.message) // "" | scan("at path (/[^ ,;]*)") | .[0] | sub("[/.]+$"; "") | select(. != "")] | unique;

# The controller's kind is checked by a generated copy of the rule for pods.
def own_rule: if . == null then null else sub("^autogen-(cronjob-)?"; "") end;

# A policy of another product by its own id, where an adapter writes that of the check as the rule.
def is_check: test("^(AVD-)?K[SC]V-?[0-9]+$|^C-[0-9]{4}$|^CKV2?_");
def identifier: text(.rule) as $rule | if $rule and ($rule | is_check) then $rule else text(.policy) // needed(.rule; "policy") end;

# A rule with podSecurity says which controls of the Pod Security Standards are broken: each is a finding.
def controls: (text(.properties.controls) // "") | [split(",")[] | ltrimstr(" ") | select(test("^[A-Za-z_]+$"))];

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

def failed($report; $reference; $control):
  . as $result
  | (if $control then "pod-security/\($control)" else identifier end) as $policy
  | object_of($report; $reference) as $resource
  | violation($policy; (if $control then text(.policy) else text(.rule) | own_rule end); {
      policy: (if $control then text(.policy) else null end), rule: (text(.rule) | own_rule), paths: [paths[] | path_in($resource; $reference.kind)], message: (text(.message) // text(.description)), engine: (text(.source) // text($report.source)),
      category: text(.category), properties: object(.properties)})
  + {
    id: "\($policy)/\(if $control then .policy else .rule end // "" | tostring):\($resource | named)",
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
    else $references[] as $reference | (controls | if . == [] then [null] else . end)[] as $control
      | failed($report; $reference; $control) end;

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
  if has("results") then report
  elif (.spec.results? | type) == "array" then . + {results: .spec.results, scope: (object(.scope) + object(.spec.owner))} | report
  else ignored("the report has no results") end
elif has("policy") and has("resource") then if settled then ignored("\(.policy) passes" | line) else result({}) end
else error("expected a PolicyReport with results, or a result of Policy Reporter") end
