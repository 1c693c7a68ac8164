# A plan as `terraform show -json` prints it, or a line of `terraform plan -json`.
#
# resource_drift: before is what was last applied, after is live. resource_changes: before is live, after is declared.
# Findings come from resource_drift alone: what is only in resource_changes was committed and not applied, or follows
# another resource, and must not be undone. Where a plan has both, an attribute counts only if the plan would change it
# back to what was applied: then declared and applied are one.

# Whether a path is, is within, or holds what before_sensitive or after_sensitive mark with true.
def marked($marks): . as $path
  | reduce $path[] as $key ($marks; if . == true then . else maybe(.[$key]) end) | [..] | any(. == true);

# The resource's block in the configuration, where the plan tells it.
def declaration($configuration):
  . as $resource
  | reduce ((.module_address // "") | scan("module\\.[^.\\[]+") | .[7:]) as $name
    ($configuration.root_module; maybe(.module_calls[$name].module))
  | [list(.resources)[] | select(.type == $resource.type and .name == $resource.name and .mode == $resource.mode)][0];

# The attributes in which the provider shows the labels that its own block adds: their values are declared there.
def labelled($configuration):
  .provider_config_key as $key
  | $configuration | maybe(.provider_config[$key].expressions) | object(.)
  | [if has("default_tags") then "tags_all" else empty end, if has("default_labels") then "terraform_labels" else empty end];

def resource: {terraform: {address: .address}};
def drift($title): {id: .address, intent: "drift", resource: resource, title: $title};

# What blocks look like. A plan does not tell those that a `dynamic` block makes from those that the provider computes.
def blocks: type == "array" and . != [] and all(.[]; type == "object");

def changed($plan; $planned; $declaration):
  ($declaration | if . == null then [] else labelled($plan.configuration) end) as $labelled
  | .change as $change | ($change.before // {}) as $from | ($change.after // {}) as $to
  | ($declaration | object(.expressions)) as $expressions
  | [differences($from; $to)[] | . as $path
    | ($declaration == null or ($expressions | has($path[0] | tostring)) or any($labelled[]; . == $path[0])) as $declared
    | select($declared or ($from[$path[0]] | blocks) or ($to[$path[0]] | blocks))
    | select($planned == null or maybe($planned.change.after | getpath($path)) == ($from | getpath($path)))
    | {path: ., $declared, secret: (marked($change.before_sensitive) or marked($change.after_sensitive))}]
  # What would be set back is declared. Where nothing is planned, what certainly is goes first.
  | ($planned == null and any(.declared)) as $is_divided | map(. + {later: ($is_divided and (.declared | not))});

def updated($plan; $planned):
  declaration($plan.configuration) as $declaration
  | changed($plan; $planned; $declaration) as $changed
  | [$changed[] | select(.later | not)] as $all
  | ([$changed[] | select(.later) | .path[0] | tostring] | unique | if . == [] then "" else "; left to the next plan: \(join(", "))" end) as $later
  | (.change.before // {}) as $from | (.change.after // {}) as $to
  | [$all[] | select(.secret | not) | .path | operation($from; $to)] as $patch
  | [$all[] | select(.secret) | .path | pointer] as $secret
  | if $all == [] then ignored("\(.address) differs only in attributes that its configuration does not set, or that a commit changes as well")
    elif $patch == [] then drift("\(.address) differs in sensitive attributes, which are withheld: \($secret | join(", "))")
      + {patch: [{op: "replace", path: $secret[0], value: withheld("sensitive in the plan")}]}
    elif $secret == [] then drift("\(.address) differs from what was applied\($later)") + {patch: $patch}
    else drift("\(.address) differs from what was applied; sensitive attributes are withheld: \($secret | join(", "))\($later)") + {patch: $patch} end;

def drifted($plan):
  list(.change.actions) as $actions
  | . as $resource
  | [$plan | list(.resource_changes)[] | select(maybe(.address) == $resource.address and (.deposed | not))][0] as $planned
  | if (.address | type) != "string" or (.change | type) != "object" then error("resource_drift: expected an address and a change")
    elif .mode == "data" then ignored("\(.address) is a data source: it declares nothing")
    elif .deposed != null then ignored("\(.address) is a deposed object, which Terraform deletes by itself")
    elif $actions == ["no-op"] then ignored("\(.address) was moved from \(.previous_address // "elsewhere"), not changed")
    elif $actions == ["delete"] then drift("\(.address) does not exist any more") + {patch: [{op: "remove", path: ""}]}
    elif $actions | index("update") or index("create") then updated($plan; $planned)
    else error("\(.address): change.actions: expected update or delete, found: \($actions)") end;

def planned($drifted):
  select(maybe(.address) | . == null or ($drifted[.] | not))
  | if .change.actions == ["no-op"] or .change.actions == ["read"] or .mode == "data" then empty
    else ignored("\(.address // "a resource") is planned to change although it did not drift: a commit is not applied yet, or it follows another resource") end;

def plan:
  . as $plan
  | (list(.resource_drift) | map(select(type == "object") | {key: (.address | tostring), value: true}) | from_entries) as $drifted
  | [(list(.resource_drift)[] | drifted($plan)), (listed(.resource_changes; "resource_changes")[] | objects | planned($drifted))]
  | if . == [] then ignored("the plan found no drift") else .[] end
  | if .intent then . + ({time: time($plan.timestamp)} | present) else . end;

# A line of the stream: it names the resource and what happened, without values.
def streamed:
  if .type == "resource_drift" and .change.action == "move" then ignored("\(.change.resource.addr) was moved, not changed")
  elif .type == "resource_drift" then
    needed(.change.resource.addr; "change.resource.addr") as $address
    | {id: $address, intent: "drift", resource: {terraform: {address: $address}}, time: time(.["@timestamp"]),
       title: (if .change.action == "delete" then "\($address) does not exist any more" else "\($address) differs from what was applied" end)}
    | present
  else ignored("\(.type | tostring | .[:60]): not a report of drift") end;

if type != "object" then error("expected the output of terraform show -json PLAN, found: \(type)")
elif (.type | type) == "string" and has("@level") then streamed
elif has("resource_drift") or has("resource_changes") or has("planned_values") then
  if maybe(.resource_drift) | type | . == "array" or . == "null" then plan else error("resource_drift: expected a list") end
elif has("provider_schemas") then ignored("schemas of providers say nothing of drift")
elif has("format_version") then ignored("a state says what was last seen, not what differs: send terraform show -json of a plan")
else error("expected the output of terraform show -json PLAN, with resource_drift or resource_changes") end
