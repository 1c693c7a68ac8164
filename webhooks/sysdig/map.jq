# An event of Sysdig Secure: as its event forwarder sends it, with the workload in labels, or as its webhook channel does.

def labelled($name): text(.labels[$name]) // text(.scope[$name]) // text(.content.fields[$name]) | said;

def workload:
  (labelled("kubernetes.namespace.name") // labelled("kubernetes.namespace") // labelled("k8s.ns.name")) as $namespace
  | (labelled("kubernetes.workload.name") // labelled("kubernetes.deployment.name")) as $name
  | kind_of(labelled("kubernetes.workload.type") // (if labelled("kubernetes.deployment.name") then "deployment" else null end)) as $kind
  | (labelled("kubernetes.pod.name") // labelled("k8s.pod.name")) as $pod
  | if $namespace == null then null
    elif $name and $kind then declared(null; $kind; $namespace; $name; {})
    elif $pod then declared("v1"; "Pod"; $namespace; $pod; {})
    else null end;

def cloud_place: (labelled("cloudProvider.name") // "" | ascii_downcase) as $provider
  | if ($provider | among(["aws", "gcp", "azure"]))
      and labelled("cloudProvider.resource.id") and labelled("cloudProvider.resource.type") then
      cloud($provider; labelled("cloudProvider.account.id"); labelled("cloudProvider.region");
        labelled("cloudProvider.resource.type"); labelled("cloudProvider.resource.id"))
    else null end;

# 0 to 7, as syslog counts.
def level: if type != "number" then severity(.) elif . <= 2 then "critical" elif . == 3 then "high" elif . == 4 then "medium"
  elif . == 5 then "low" else "info" end;

# Nanoseconds or microseconds since 1970.
def when: .timestamp | if type == "string" then time(.) elif type != "number" then null
  elif . > 100000000000000000 then . / 1000000000 | unix_time
  elif . > 100000000000000 then . / 1000000 | unix_time
  elif . > 100000000000 then . / 1000 | unix_time else unix_time end;

def found($rule; $name; $severity):
  (workload // cloud_place) as $resource
  | if $resource == null then ignored("\($rule): the event names no workload and no resource" | line)
    else
      violation($rule; $name; {container: labelled("container.name"), image: (labelled("container.image.repo") // labelled("container.image")), tags: list(.content.ruleTags)})
      + {
        id: "\($rule):\($resource | named)",
        resource: $resource,
        title: "\($name // $rule): \($resource | named)" | line,
        severity: ($severity | level),
        time: when,
        actor: ({user: (labelled("ka.user.name") // labelled("aws.user"))} | given),
        links: links(maybe(.event.url), maybe(.alert.editUrl))
      } | given
    end;

# The channel's event says in entities[].entity, such as kubernetes.namespace.name = 'shop' and ..., what it is about.
def channel:
  (text(.alert.name) // error("alert.name: expected a text")) as $name
  | . as $event
  | ([list(.entities)[] | text(.entity) // "" | scan("([a-zA-Z0-9_.]+) *= *('[^']*'|\"[^\"]*\")") | {key: .[0], value: .[1][1:-1]}] | from_entries) as $entities
  | . + {labels: ($entities + object($event.labels))} | found($name; text(.alert.description); .alert.severity)
  | if .ignored == null and ($event.resolved == true or $event.state == "OK") then over else . end;

if type != "object" then error("expected an event of Sysdig Secure, found: \(type)")
elif (.alert | type) == "object" then channel
elif (.content | type) == "object" then
  (text(.content.ruleName) // text(.name) // error("expected a name or content.ruleName")) as $rule
  | found($rule; null; .severity)
elif (.category // .type | type) == "string" and (.labels | type) == "object" and text(.name) then found(.name; null; .severity)
else error("expected an event of Sysdig Secure, with content and labels, or with alert") end
