# A scan of driftctl, whose development has ended: which resources are gone or were never declared, without values.

def address: if (.source | type) == "object" and text(.source.internal_name) then
    ["\(text(.source.namespace) | if . then . + "." else "" end)\(.type).\(.source.internal_name)" | select(is_address)][0]
  else null end;

def provider: if startswith("aws_") then "aws" elif startswith("google_") then "gcp" elif startswith("azurerm_") then "azure" else null end;

def missing:
  needed(.type; "missing: type") as $type
  | needed(.id; "missing: id") as $id
  | (address | if . then {terraform: {address: .}} else null end) as $declared
  | ($declared // ($type | provider | if . then cloud(.; null; null; $type; $id) else null end)) as $resource
  | if $resource == null then ignored("\($type) \($id) is gone; no address is told" | line)
    else {id: "\($type):\($id)", intent: "drift", resource: $resource, title: "\($type) \($id) does not exist any more" | line}
      + (if $declared then {patch: [{op: "remove", path: ""}]} else {} end) end;

def scan:
  . as $scan
  | [(listed(.missing; "missing")[] | if type == "object" then missing else error("missing: expected objects, found: \(type)") end),
     (list(.differences)[] | objects | .res // {} | ignored("\(.type) \(.id) differs: driftctl's differences are no values to adopt" | line)),
     (listed(.unmanaged; "unmanaged")[] | objects | ignored("\(.type) \(.id) is declared nowhere" | line))]
  | if . == [] then ignored("the scan found no drift") else .[] end
  | if .intent then . + ({time: time($scan.date)} | present) else . end;

if type != "object" then error("expected a scan of driftctl -o json, found: \(type)")
elif has("missing") or has("unmanaged") or has("managed") or has("coverage") then scan
elif has("resource_changes") then ignored("a plan of driftctl lists what would be imported, not what differs")
else error("expected a scan of driftctl -o json, with missing and unmanaged") end
