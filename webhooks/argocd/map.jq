# {"kind": "argocd.outofsync", "app": {{toJson .app}}}: one finding a resource. Argo CD sends no live values; they are
# fetched later. Only drift counts: what was committed but not applied yet must not be undone.

def text: if type == "string" and . != "" then . else null end;

# The revisions of a comparison, a sync or a history entry; several for an application of several sources.
def revisions: if (.revisions // []) != [] then .revisions else [.revision] end;

# The last full sync that succeeded, or null. History has only such; operationState may be partial, dry or failed.
def last_sync:
  (.history // []) as $history
  | if $history != [] then $history[-1]
    else .operationState // {}
      | if .phase == "Succeeded" and (.operation.sync.resources // []) == [] and .operation.sync.dryRun != true
        then .syncResult else null end
    end;

# What an application is made of, but for the branch: that shows in the revisions. A source hydrator names it otherwise.
def has_source: .source != null or (.sources // []) != [];
def sources: (if (.sources // []) != [] then .sources else [.source] end) | map(. // {} | del(.targetRevision));

# Where the declared state lives, as far as the application says it without doubt.
def hints($app):
  {app: $app.metadata.name} + (
    if $app.spec.sourceHydrator.drySource then
      $app.spec.sourceHydrator.drySource | {repository: .repoURL | text, path: .path | text}
    else
      ($app.status.sync | revisions) as $revisions
      | [$app.spec | sources | to_entries[] | select((.value.chart | text) == null and .value.repoURL != null)] as $git
      | [$git[] | select(.value.path | text)] as $folders
      | if ($git | map(.value.repoURL) | unique | length) != 1 then {}
        else {
          repository: $git[0].value.repoURL,
          revision: ([$git[] | $revisions[.key]] | unique | if length == 1 then .[0] | text else null end),
          path: (if ($folders | length) == 1 then $folders[0].value.path else null end)
        } end
    end)
  | present;

def named: if (.namespace | text) then "\(.kind) \(.namespace)/\(.name)" else "\(.kind) \(.name)" end;

def finding($app; $state; $resource; $id; $title):
  {id: $id, intent: "drift", state: $state, resource: $resource, title: $title, time: ($app.status.reconciledAt | text), hints: hints($app)}
  | present;

# The id is Argo CD's own tracking id.
def resource_finding($app; $state; $what):
  finding($app; $state;
    kubernetes(api_version(.group; .version); .kind; .namespace; .name);
    "\($app.metadata.name):\(.group // "")/\(.kind):\(.namespace // "")/\(.name)";
    "\(named) \($what) in Argo CD application \($app.metadata.name)");

def out_of_sync($app):
  [.[] | select(.status == "OutOfSync")] as $changed
  | if length == 0 then
      finding($app; "open"; {argocd: ({namespace: $app.metadata.namespace, name: $app.metadata.name} | present)};
        "\($app.metadata.name)"; "Argo CD application \($app.metadata.name) is out of sync")
    elif $changed == [] then ignored("no resource of the application is out of sync")
    else $changed[]
      | if .hook == true then ignored("\(named) is a hook: it is not part of the desired state")
        elif .requiresPruning == true then ignored("\(named) is declared nowhere: Argo CD would prune it")
        else resource_finding($app; "open"; "is out of sync") end
    end;

def in_sync($app):
  [.[] | select(.status == "Synced" and .hook != true)]
  | if . == [] then ignored("the application is in sync and lists no resources")
    elif length > 1000 then ignored("the application is in sync; it has more than 1000 resources, which are looked at again later")
    else .[] | resource_finding($app; "resolved"; "is in sync") end;

# One of the managed resources that the API lists: normalizedLiveState is what runs, without what ignoreDifferences leaves
# out, and predictedLiveState is what would run after a sync. The four states are JSON in texts.
def without($keys): if type == "object" then with_entries(select(.key | among($keys) | not)) else . end;
def state($text): ($text // "null") | (if type == "string" then maybe(fromjson) else . end)
  | if type == "object" then
      without(["status"])
      | if (.metadata | type) == "object" then .metadata |= (
          without(["managedFields", "resourceVersion", "generation", "uid", "creationTimestamp"])
          | if .annotations then .annotations |= without(["kubectl.kubernetes.io/last-applied-configuration"]) else . end)
        else . end
    elif . == null then null else error("expected the states of an object as JSON in texts") end;

# Items of lists are told apart by name: where the declared list is another one, the patch must not apply.
def guards($from): . as $path
  | [range(1; length)] | map($path[:. + 1] | select(.[-1] | type == "number") | . + ["name"]
    | . as $at | maybe($from | getpath($at)) | select(type == "string") | {op: "test", path: ($at | pointer), value: .});

def patch($from; $to): [differences($from; $to)[] | . as $path | guards($from), [operation($from; $to)]] | add // [] | unique_in_order;

def managed:
  . as $item
  | state(.targetState) as $target | state(.normalizedLiveState // .liveState) as $live
  | state(.predictedLiveState // .targetState) as $declared
  | ($live // $declared // $target) as $any
  | "\(.kind) \(if .namespace | text then .namespace + "/" else "" end)\(.name)" as $name
  | if .hook == true then ignored("\($name) is a hook: it is not part of the desired state")
    elif $target == null then ignored("\($name) is declared nowhere: Argo CD would prune it")
    elif $live == $declared then ignored("\($name) is in sync")
    else
      kubernetes($any.apiVersion; .kind; .namespace; .name) as $resource
      | {id: "\(.group // "")/\(.kind):\(.namespace // "")/\(.name)", intent: "drift", resource: $resource, title: "\($name) \(if $live == null then "does not exist any more" else "differs from what is declared" end)",
        patch: (if $live == null then [{op: "remove", path: ""}]
          elif .kind == "Secret" then [{op: "replace", path: "/data", value: withheld("Argo CD masks the data of Secrets")}]
          else patch($declared; $live) end)}
    end;

def managed_resources: .items
  | if type != "array" then error("items: expected a list of managed resources")
    elif . == [] then ignored("the application manages no resources")
    else .[] | if type == "object" then managed else error("items: expected managed resources, found: \(type)") end end;

if type == "object" and has("items") and (has("app") | not) then managed_resources
elif type == "object" and has("resources") and has("revision") and (has("app") | not) then
  ignored("the result of a sync says what was applied, not what differs")
elif type != "object" or (.app | type) != "object" or .kind != "argocd.outofsync" then
  error("expected {\"kind\": \"argocd.outofsync\", \"app\": {{toJson .app}}} as the README of this sender shows it")
elif (.app.metadata.name | text) == null then error("app.metadata.name: expected the application's name")
else
  .app as $app
  | ($app.status.resources // []) as $resources
  | ($app.status | last_sync) as $last
  | $app.status.sync.status as $status
  | if ($resources | type) != "array" then error("app.status.resources: expected a list")
    elif $app.metadata.deletionTimestamp then ignored("the application is being deleted")
    elif $status == "Synced" then $resources | in_sync($app)
    elif $status == "Unknown" then ignored("Argo CD could not compare the application: its sync status is Unknown")
    elif $status != "OutOfSync" then error("app.status.sync.status: expected OutOfSync, Synced or Unknown")
    elif $app.status.operationState.phase | . == "Running" or . == "Terminating" then ignored("a sync is running")
    elif $last == null and $app.status.operationState != null then ignored("no sync of the application has succeeded yet")
    elif $last != null and ($last | revisions) != ($app.status.sync | revisions) then ignored("a new commit is not applied yet")
    elif $last != null and ($last | has_source) and ($app.spec | has_source) and ($last | sources) != ($app.spec | sources)
    then ignored("the application's own source has changed and is not applied yet")
    else $resources | out_of_sync($app) end
end
