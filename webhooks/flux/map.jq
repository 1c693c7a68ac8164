# An event of Flux's notification-controller. helm-controller reports drift: the resources, without values.

# "Deployment/shop/cart changed (0 additions, 1 changes, 0 removals)", "Namespace/shop removed".
def lines_of: [text(.message) // "" | split("\n")[1:][] | maybe(capture("^\\s*(?<kind>[A-Za-z]+)/((?<namespace>[^/ ]+)/)?(?<name>[^/ ]+) (?<what>changed|removed|created|added|configured)( \\((?<how>[^)]*)\\))?"))
  | select(. != null)];

def revision($event): [object($event.metadata) | to_entries[] | select(.key | endswith("/revision")) | text(.value)][0];

def found($event; $state; $resource; $title):
  $event.involvedObject as $object
  | {
    id: "\($object.kind)/\($object.namespace)/\($object.name):\($resource | named)",
    intent: "drift",
    state: (if $state == "open" then null else $state end),
    resource: $resource,
    title: $title | line,
    time: time($event.timestamp),
    hints: ({app: "\($object.namespace)/\($object.name)", revision: revision($event)} | given)
  } | given;

def drifted($state; $word):
  . as $event
  | .involvedObject as $object
  | kubernetes($object.apiVersion; $object.kind; $object.namespace; $object.name) as $release
  | lines_of as $lines
  # The apiVersion of a kind that is not Kubernetes' own is not told: such a resource is one of the release's.
  | ($lines[] | select(api_versions[.kind])
      | kubernetes(api_versions[.kind]; .kind; .namespace; .name) as $resource
      | found($event; $state; $resource; "\($resource | named) of \($release | named) \($word)\(if .how then ": " + .how else "" end)")),
    (select($lines == [] or ($lines | any(api_versions[.kind] == null)))
      | found($event; $state; $release; "\($release | named) \($word)"));

if type != "object" or (.involvedObject | type) != "object" then error("expected an event of Flux with involvedObject")
else
  needed(.involvedObject.kind; "involvedObject.kind") as $kind
  | needed(.involvedObject.name; "involvedObject.name") as $name
  | needed(.involvedObject.namespace; "involvedObject.namespace") as $namespace
  | needed(.involvedObject.apiVersion; "involvedObject.apiVersion") as $version
  | (text(.reason) // "?") as $reason
  | if $reason == "DriftDetected" then drifted("open"; "has drifted")
    elif $reason == "DriftCorrected" then drifted("resolved"; "was put back")
    elif $reason == "DriftCorrectionFailed" then ignored("\($kind) \($namespace)/\($name): what has drifted could not be put back; its drift is reported apart" | line)
    elif $kind == "Kustomization" and (text(.message) // "" | test(" (configured|created|deleted)")) then
      ignored("\($kind) \($namespace)/\($name) was applied: whether a commit or a drift made that necessary is not told" | line)
    else ignored("\($kind) \($namespace)/\($name): \($reason) is no report of drift" | line) end
end
