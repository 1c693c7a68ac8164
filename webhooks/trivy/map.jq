# A report of `trivy config` (or fs, repo, image) and of `trivy k8s`, with --format json. Failed misconfigurations are
# findings; vulnerabilities and secrets are no matter of declared fields.

# Container 'app' of Deployment 'web' should ..., container "app" of deployment "web" in "shop" namespace should ...,
# deployment web in shop namespace should ..., with or without quotes: all that tells which object it is.
def unquoted: if type == "string" then ltrimstr("'") | rtrimstr("'") | ltrimstr("\"") | rtrimstr("\"") else . end;
def spoken: text(.Message) // "" | ([
  maybe(capture("^['\"]?(?<kind>[A-Za-z]+)['\"]? (?<name>'[^']+'|\"[^\"]+\")")),
  maybe(capture("^(?<kind>[a-z]+) (?<name>[^ '\"]+) in (?<namespace>[^ ]+) namespace ")),
  maybe(capture("^[Cc]ontainer (?<container>'[^']+'|\"[^\"]+\"|[^ '\"]+) of ['\"]?(?<kind>[A-Za-z]+)['\"]? (?<name>'[^']+'|\"[^\"]+\"|[^ '\"]+)(?: |$)")),
  maybe(capture("^[Cc]ontainer of (?<kind>[A-Za-z]+) (?<name>'[^']+')")),
  maybe(capture(" in (?<namespace>'[^']+'|\"[^\"]+\") namespace")),
  maybe(capture("^[Cc]ontainer [^ '\"]+ of [a-z]+ [^ '\"]+ in (?<namespace>[^ '\"]+) namespace "))
] | map(select(. != null)) | add // {}) | map_values(unquoted);

def resource($at; $spoken; $target):
  if $at then $at
  elif maybe(.CauseMetadata.Resource) | is_address then {terraform: {address: .CauseMetadata.Resource}}
  elif kind_of($spoken.kind) then declared(null; kind_of($spoken.kind); $spoken.namespace; $spoken.name; {})
  elif $target then file($target; .CauseMetadata.StartLine; .CauseMetadata.EndLine)
  else error("expected a resource or a Target") end;

def failed($at; $target; $rendered):
  (text(.ID) // text(.AVDID) // error("Misconfigurations: expected an ID")) as $rule
  | spoken as $spoken
  | (.CauseMetadata | objects // {}) as $cause
  | (.CauseMetadata |= (if $rendered then $cause | del(.StartLine, .EndLine) else $cause end) | resource($at; $spoken; $target)) as $resource
  | violation($rule; text(.Title); {container: $spoken.container, resolution: text(.Resolution)})
  + {
    id: "\($rule):\($target // ""):\($resource | named)\(if $spoken.container then ":" + $spoken.container else "" end)",
    resource: $resource,
    title: (text(.Message) // text(.Title) // $rule | line),
    severity: severity(.Severity),
    hints: (if $target == null or $at then {} elif $rendered then lines($target; null; null) else lines($target; $cause.StartLine; $cause.EndLine) end),
    links: links(.PrimaryURL)
  } | given;

def misconfiguration($at; $target; $rendered):
  if type != "object" then error("Misconfigurations: expected objects, found: \(type)")
  elif text(.Status) // "FAIL" | . == "PASS" then ignored("\(.ID) passed" | line)
  elif .Status == "EXCEPTION" then ignored("\(.ID) has an exception" | line)
  else failed($at; $target; $rendered) end;

def counted($what): if length > 0 then ignored("\(length) \($what)") else empty end;

def result($at):
  (text(.Target) | file_path) as $target
  # Lines of a chart are those of what it renders.
  | (maybe(.Type) == "helm") as $rendered
  | (listed(.Misconfigurations; "Misconfigurations")[] | misconfiguration($at; $target; $rendered)),
    (list(.Vulnerabilities) | counted("vulnerabilities of packages in \($target // "?"): an update mends them, no field")),
    (list(.Secrets) | counted("secrets in \($target // "?"): they have to be revoked by hand")),
    (list(.Licenses) | counted("licences of \($target // "?")"));

# trivy k8s names the object itself.
def scanned: . as $resource
  | (if api_versions[text(.Kind) // ""] and text(.Name) then
      declared(null; .Kind; (if .Kind | is_cluster_wide then null else text(.Namespace) end); .Name; {}) else null end) as $at
  | list(.Results)[] | objects | result($at);

if type != "object" then error("expected a report of trivy --format json, found: \(type)")
elif has("Results") or has("SchemaVersion") or has("Resources") or has("Findings") then
  [(listed(.Results; "Results")[] | if type == "object" then result(null) else error("Results: expected objects, found: \(type)") end),
    ((listed(.Resources; "Resources") + listed(.Findings; "Findings"))[]
      | if type == "object" then scanned else error("Resources: expected objects, found: \(type)") end)]
  | if . == [] then ignored("Trivy found nothing to complain about") else .[] end
else error("expected a report of trivy --format json, with Results") end
