# A notification of AWS Config, or the event that it hands to a rule of one's own. Its fields are those of the describe
# API, not of Terraform: it tells that a resource changed, and the values have to be looked up.

def resource($from): cloud("aws"; text($from.awsAccountId); text($from.awsRegion);
  needed($from.resourceType; "resourceType"); needed($from.resourceId; "resourceId"));

def change($item; $diff; $time):
  resource($item) as $resource
  | text($diff.changeType) as $change
  | [object($diff.changedProperties) | keys[] | .[:80]] as $names
  | if $change == null then ignored("\($resource | named): the notification tells of no change" | line)
    elif $change == "CREATE" then ignored("\($resource | named) is new: nothing that is declared differs" | line)
    elif $change == "NONE" then ignored("\($resource | named): only its relations changed" | line)
    else {
        id: "\($resource | named)", intent: "drift", resource: $resource, time: $time, hints: trace($item.tags),
        title: (if $change == "DELETE" then "\($resource | named) does not exist any more"
          else "\($resource | named) was changed\(if $names == [] then "" else ": " + ($names | join(", ")) end)" end | line)
      } | given
    end;

def compliance:
  # Security Hub, organizations and conformance packs add a prefix or a suffix to the names of their own rules.
  (needed(.configRuleName; "configRuleName")
    | sub("^(securityhub|OrgConfigRule)-(?<name>.+)-[0-9a-z]{6,8}$"; .name) | sub("-conformance-pack-[0-9a-z]{6,12}$"; "")) as $rule
  | resource(.) as $resource
  # Of a resource that is gone there is no result any more.
  | (if .newEvaluationResult == null and (.oldEvaluationResult | type) == "object" then {complianceType: "NOT_APPLICABLE"}
     else object(.newEvaluationResult) end) as $result
  | needed($result.complianceType; "newEvaluationResult.complianceType") as $type
  | if $type | among(["NON_COMPLIANT", "COMPLIANT", "NOT_APPLICABLE"]) | not then ignored("\($rule): \($resource | named) is \($type)" | line)
    else
      violation($rule; null; {annotation: text($result.annotation)})
      + {id: "\($rule):\($resource | named)", resource: $resource, time: time($result.resultRecordedTime),
         title: "\($rule): \(text($result.annotation) // ($type | ascii_downcase | sub("_"; " "))): \($resource | named)" | line}
      | if $type == "NON_COMPLIANT" then . else over end | given
    end;

def notification:
  .messageType as $type
  | if $type == "ConfigurationItemChangeNotification" then
      change(object(.configurationItem); .configurationItemDiff; time(.notificationCreationTime))
    elif $type == "OversizedConfigurationItemChangeNotification" then
      change(object(.configurationItemSummary); .configurationItemSummary; time(.notificationCreationTime))
    elif $type == "ComplianceChangeNotification" then compliance
    elif ($type | type) == "string" then ignored("\($type): no change of a resource" | line)
    else error("messageType: expected ConfigurationItemChangeNotification or ComplianceChangeNotification") end;

if type != "object" then error("expected a notification of AWS Config, found: \(type)")
elif has("invokingEvent") then
  (text(.invokingEvent) // error("invokingEvent: expected JSON in a text")) | maybe(fromjson)
  | if type == "object" then notification else error("invokingEvent: expected JSON of an object") end
elif has("messageType") then notification
else error("expected a notification of AWS Config, with messageType") end
