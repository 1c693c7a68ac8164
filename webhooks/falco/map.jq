# An alert of Falco, or of falcosidekick, which adds a uuid. Only what names a Kubernetes or a cloud resource can be mended
# in a source; what a process does on a host, or in a container of nobody, is noticed elsewhere.

def field($name): text(.output_fields[$name]) | said;

def sensed: field("k8s.ns.name") // field("k8smeta.ns.name");
def container: field("container.name") | if . != null and startswith("k8s_") then split("_")[1] else . end;
def image: field("container.image.repository") as $name | field("container.image.tag") as $tag
  | field("container.image") // (if $name and $tag then "\($name):\($tag)" else $name end);

# A system call: the workload where a plugin names it, else the pod.
def by_system_call:
  sensed as $namespace
  | (field("k8s.deployment.name") // field("k8smeta.deployment.name")) as $deployment
  | (field("k8s.pod.name") // field("k8smeta.pod.name")) as $pod
  | if $deployment and $namespace then declared(null; "Deployment"; $namespace; $deployment; {})
    elif $pod and $namespace then declared("v1"; "Pod"; $namespace; $pod; {}) else null end;

# The Kubernetes API: ka.uri says group and version, ka.target.resource the plural of the kind.
def by_audit:
  kind_of(field("ka.target.resource")) as $kind
  | field("ka.target.name") as $name
  | (field("ka.uri") // "" | maybe(capture("^/apis/(?<group>[^/]+)/(?<version>[^/]+)/"))) as $api
  | if $kind == null or $name == null then null
    else declared(if $api then "\($api.group)/\($api.version)" else null end; $kind; field("ka.target.namespace"); $name; {}) end;

def by_cloud_trail:
  (text(.output_fields["ct.request"]) // "" | maybe(fromjson)) as $parameters
  | cloud_resource(field("ct.user.accountid"); field("ct.region"); field("ct.src") // ""; $parameters);

def resource: if .source == "k8s_audit" then by_audit
  elif .source == "aws_cloudtrail" or field("ct.name") then by_cloud_trail
  else by_system_call end;

def unnamed: if .source == "k8s_audit" then "\(field("ka.target.resource") // "a request") of the Kubernetes API: which kind of object it is about is not known"
  elif field("ct.name") then "\(field("ct.name")) names no resource in the fields of the alert"
  else "what happened on the host \(.hostname // "?") names no Kubernetes object" end;

def alert:
  needed(.rule; "rule") as $rule
  | resource as $resource
  | if $rule | startswith("Falco internal:") then ignored("Falco reports on itself: \($rule)" | line)
    elif $rule == "Test rule" and (list(.tags) | index("test")) then ignored("a test of falcosidekick")
    elif $resource == null then ignored("\($rule): \(unnamed)" | line)
    else
      violation($rule; null; {container: container, image: image, pod: field("k8s.pod.name"), tags: list(.tags),
        verb: field("ka.verb"), subresource: field("ka.target.subresource"), event: field("ct.name")})
      + {
        id: "\($rule):\($resource | named)",
        resource: $resource,
        title: "\($rule): \($resource | named)" | line,
        severity: severity(.priority),
        time: time(.time),
        actor: ({user: (field("ka.user.name") // field("ct.user")), via: field("ct.useragent")} | given)
      } | given
    end;

if type == "object" and has("rule") and (has("priority") or has("output_fields") or has("output")) then alert
else error("expected an alert of Falco with json_output: rule, priority, output_fields") end
