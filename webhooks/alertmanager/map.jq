# A group of alerts. Which rule fires is the alert's name, which object it is about its labels: those of kube-state-metrics
# and of most exporters.

def labelled($name): text(.labels[$name]) | said;

# Prometheus keeps an exporter's own label as exported_pod where the scraped pod has one of that name: next to
# exported_namespace, pod and container are the exporter's.
def told($name): labelled("exported_" + $name)
  // (if labelled("exported_namespace") and ($name | among(["pod", "container"])) then null else labelled($name) end);

# The label that is a kind's own names the object; a pod's label comes last, since most alerts have it besides.
def kinds: ["deployment", "statefulset", "daemonset", "cronjob", "horizontalpodautoscaler", "poddisruptionbudget", "persistentvolumeclaim",
  "ingress", "networkpolicy", "replicaset", "job_name", "pod"];
def by_own_label: . as $alert
  | [kinds[] | . as $name | $alert | told($name) | select(.)
    | {kind: (if $name == "job_name" then "Job" else kind_of($name) end), name: .}][0];
def by_workload: kind_of(labelled("workload_type") // labelled("owner_kind") // labelled("kind")) as $kind
  | (labelled("workload") // labelled("owner_name") // labelled("name")) as $name
  | if $kind and $name then {kind: $kind, name: $name} else null end;

# Some rules are known by namespace alone.
def resource:
  told("namespace") as $namespace
  | (by_workload // by_own_label) as $object
  | if $object == null then null
    elif $namespace == null and ($object.kind | is_cluster_wide | not) then null
    else declared(null; $object.kind; (if $object.kind | is_cluster_wide then null else $namespace end); $object.name; {}) end;

def annotation: [text(.annotations.summary), text(.annotations.description), text(.annotations.message)] | map(select(. != null))[0];

def alert:
  if type != "object" then error("alerts: expected objects, found: \(type)") else . end
  | (labelled("alertname") // error("alerts: expected the label alertname")) as $rule
  | resource as $resource
  | .status as $status
  | if $status | among(["firing", "resolved"]) | not then error("alerts: status: expected firing or resolved")
    elif $rule | among(["Watchdog", "DeadMansSwitch", "InfoInhibitor"]) then ignored("\($rule) fires all the time, to show that alerts arrive")
    elif $resource == null then ignored("\($rule): the labels name no object of Kubernetes" | line)
    else
      violation($rule; annotation; {container: told("container"), pod: told("pod"), cluster: labelled("cluster")})
      + {
        id: (text(.fingerprint) // "\($rule):\($resource | named)"),
        resource: $resource,
        title: "\(annotation // $rule): \($resource | named)" | line,
        severity: severity(.labels.severity),
        first_seen: time(.startsAt),
        time: time(.startsAt),
        links: links(.generatorURL, .annotations.runbook_url, .annotations.dashboard_url)
      } | if $status == "resolved" then over else . end | given
    end;

if type != "object" or (has("alerts") | not) then error("expected a group of alerts of Alertmanager, with alerts")
else
  needed_list(.alerts; "alerts") as $alerts
  | (if $alerts == [] then ignored("the group has no alerts") else $alerts[] | alert end),
    (if (.truncatedAlerts | type) == "number" and .truncatedAlerts > 0 then ignored("\(.truncatedAlerts) alerts were left out by Alertmanager: raise max_alerts") else empty end)
end
