# Azure: a change of a policy's state (Event Grid, Azure Policy), or an assessment or alert of Defender for Cloud as its
# continuous export sends it.

# /subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a
def resource: . as $id
  | maybe(capture("^/subscriptions/(?<account>[^/]+)"; "i")) as $parts
  | [maybe(match("/providers/([^/]+(?:/[^/]+/[^/]+)+)"; "ig")) | .captures[0].string][-1] as $provided
  | if $parts == null then null
    elif $provided == null then cloud("azure"; $parts.account; null; (if test("/resourcegroups/[^/]+$"; "i") then "Microsoft.Resources/resourceGroups" else "Microsoft.Resources/subscriptions" end); $id)
    else ($provided | split("/")) as $names
      | cloud("azure"; $parts.account; null; ([$names[0]] + [range(1; $names | length; 2) | $names[.]] | join("/")); $id) end;

def found($rule; $name; $resource; $params): violation($rule; $name; $params)
  + {id: "\($rule):\($resource.cloud.id // ($resource | named))", resource: $resource,
     title: "\($name // $rule): \($resource.cloud.id // ($resource | named))" | line};

# The policy's last part is its id; an initiative's reference says which of its policies.
def policy_state:
  object(.data) as $data
  | (text(.type) // text(.eventType)) as $event
  | text($data.policyDefinitionId) as $definition
  | (text($data.policyDefinitionReferenceId) // ($definition // "" | split("/") | .[-1] // null | text(.))) as $rule
  | (needed(.subject; "subject") | resource) as $resource
  | (text($data.complianceState) // "?") as $state
  | if $resource == null then ignored("\(.subject): no resource of a subscription" | line)
    elif ($event | endswith("PolicyStateDeleted") | not) and ($state | ascii_downcase | among(["noncompliant", "compliant", "exempt"]) | not) then
      ignored("\($rule // "a policy"): \($state): \(.subject)" | line)
    elif $rule == null and ($event | endswith("PolicyStateDeleted")) then ignored("\(.subject): a policy does not apply any more, and the event does not say which" | line)
    elif $rule == null then error("data.policyDefinitionId: expected a text")
    else found($rule; null; $resource; {definition: $definition, assignment: text($data.policyAssignmentId), reason: text($data.complianceReasonCode)})
      + {time: time($data.timestamp)}
      | if ($event | endswith("PolicyStateDeleted")) or ($state | ascii_downcase | . != "noncompliant") then over else . end | given end;

def assessment:
  object(.properties) as $properties
  | (text($properties.metadata.displayName) // text($properties.displayName)) as $name
  | (text(.name) // $name // error("name: expected the assessment's id")) as $rule
  | (text($properties.resourceDetails.Id) // text($properties.resourceDetails.id) // (.id | split("/providers/Microsoft.Security/")[0])) as $id
  | ($id | resource) as $resource
  | (text($properties.status.code) // "?") as $state
  | if $state | among(["Unhealthy", "Healthy"]) | not then ignored("\($name // $rule): \($state)" | line)
    elif $resource == null then ignored("\($name // $rule): \($id) is no resource of a subscription" | line)
    else found($rule; $name; $resource; {remediation: text($properties.metadata.remediationDescription), cause: text($properties.status.cause)})
      + {severity: severity($properties.metadata.severity), links: links(text($properties.links.azurePortal) | if . == null then . elif startswith("http") then . else "https://" + . end),
         time: time($properties.status.statusChangeDate)} | if $state == "Healthy" then over else . end | given end;

# Alerts about containers list what they are about: {"Type": "K8s-pod", "Name": ..., "Namespace": {"$ref": "3"}}.
def in_cluster: [list(.Entities // .properties.entities)[] | objects] as $all
  | [$all[] | (text(.Type) // text(.type) // "" | ascii_downcase) as $type
    | (object(.Namespace) + object(.namespace)) as $namespace
    | {kind: ($type | select(startswith("k8s-")) | kind_of(.[4:])), name: (text(.Name) // text(.name)),
       namespace: (text($namespace.Name) // text($namespace.name) // ([$all[] | select(.["$id"] != null and .["$id"] == $namespace["$ref"]) | text(.Name) // text(.name)][0]))}
    | select((.kind | among(["Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job", "ReplicaSet", "Pod"])) and .name and .namespace)
    | declared(null; .kind; .namespace; .name; {})][0];

def alert:
  (text(.AlertType) // text(.properties.alertType) // error("AlertType: expected a text")) as $rule
  | (text(.AlertDisplayName) // text(.properties.alertDisplayName)) as $name
  | ([list(.ResourceIdentifiers // .properties.resourceIdentifiers)[] | text(.AzureResourceId) // text(.azureResourceId) | strings][0]
      // text(.properties.compromisedEntity) // text(.CompromisedEntity) // "") as $id
  | (in_cluster // ($id | resource)) as $resource
  | (text(.Status) // text(.properties.status) // "Active") as $state
  | if $resource == null then ignored("\($rule) names no resource of a subscription" | line)
    else found($rule; $name; $resource; {detected: true})
      + {id: (text(.SystemAlertId) // text(.properties.systemAlertId)), severity: severity(.Severity // .properties.severity),
         time: time(.TimeGenerated // .TimeGeneratedUtc // .properties.timeGeneratedUtc), links: links(.AlertUri, .properties.alertUri)}
      | if $state | among(["Resolved", "Dismissed"]) then over else . end | given end;

# Azure Monitor's common alert schema: the alert's rule by the resource that it watches.
def common_alert:
  object(.data.essentials) as $essentials
  | needed($essentials.alertRule; "data.essentials.alertRule") as $rule
  | (text($essentials.alertTargetIDs[0]) // "" | resource) as $resource
  | if $resource == null then ignored("\($rule) names no resource of a subscription" | line)
    else found($rule; text($essentials.description); $resource; {signal: text($essentials.signalType)})
      + {time: time($essentials.firedDateTime),
         severity: {Sev0: "critical", Sev1: "high", Sev2: "medium", Sev3: "low", Sev4: "info"}[text($essentials.severity) // ""]}
      | if $essentials.monitorCondition == "Resolved" then over else . end | given end;

if type != "object" then error("expected an event of Azure, found: \(type)")
elif text(.eventType) // "" | . == "Microsoft.EventGrid.SubscriptionValidationEvent" then ignored("Event Grid asks whether it may post")
elif .schemaId == "azureMonitorCommonAlertSchema" then common_alert
elif (text(.eventType) // text(.type) // "") | startswith("Microsoft.PolicyInsights.PolicyState") then policy_state
elif (text(.type) // "") | ascii_downcase | . == "microsoft.security/assessments" then assessment
elif has("AlertType") or maybe(.properties | has("alertType")) == true then alert
elif (text(.eventType) // text(.type)) then ignored("\(text(.eventType) // text(.type)): no state of a policy, no assessment" | line)
else error("expected an event of Event Grid of Microsoft.PolicyInsights, an assessment or an alert") end
