# An alert of Prisma Cloud: the payload of its webhook in its default or a custom template, or an alert of its API.

def policy: text(.policyName) // text(.policy.name) // text(.alertRuleName) // text(.policyId) // text(.policy.policyId);
def policy_id: text(.policyId) // text(.policy.policyId) // policy;
def resource_type: text(.resourceApiName) // text(.resource.resourceApiName) // text(.resourceType) // text(.resource.resourceType);
def provider: text(.cloudType) // text(.resource.cloudType) // text(.cloud_type) // "" | ascii_downcase
  | if . == "gcp" or . == "google" then "gcp" elif . == "azure" then "azure" elif . == "aws" then "aws" else null end;

# resourceConfig is the live configuration as the cloud's API tells it, not as a source declares it: only its words count.
def resource:
  provider as $provider
  | (text(.resourceId) // text(.resource.id) // text(.resource.rrn)) as $id
  | if $provider == null or $id == null then null
    else cloud($provider; text(.accountId) // text(.resource.accountId); text(.resourceRegionId) // text(.resource.regionId) // text(.resourceRegion);
      resource_type // "unknown"; $id) end;

def seen: [maybe(.alertTs), maybe(.alertTime), maybe(.lastSeen)] | map(select(type == "number"))[0] // null
  | if . == null then null else . / 1000 | unix_time end;

def alert:
  (policy // error("expected a policyName")) as $name
  | resource as $resource
  | (text(.alertStatus) // text(.status) // "open" | ascii_downcase) as $status
  | if $status == "snoozed" then ignored("\($name): the alert is \($status)" | line)
    elif $resource == null then ignored("\($name): the alert names no cloud resource" | line)
    else
      violation(policy_id; $name; {labels: [.policyLabels | list(.)[] | strings], recommendation: (text(.policyRecommendation) // text(.policy.recommendation))})
      + {
        id: (text(.alertId) // text(.id) // "\($name):\($resource | named)"),
        resource: $resource,
        title: "\($name): \(text(.resourceName) // text(.resource.name) // ($resource | named))" | line,
        severity: (severity(.severity) // severity(.policy.severity)),
        time: seen,
        actor: ({user: text(.alertAttribution.attributionEventList[-1].username)} | given),
        hints: trace(.resourceTags // .resource.tags // .resource.data.tags // .tags),
        links: links(.callbackUrl)
      } | if $status | among(["resolved", "dismissed"]) then over else . end | given
    end;

if type != "object" then error("expected an alert of Prisma Cloud, found: \(type)")
elif has("policyName") or has("alertId") or has("policy") or has("alertRuleName") then alert
elif (.message // .text // .title | type) == "string" then ignored("a test message of the integration")
else error("expected an alert of Prisma Cloud, with policyName and resourceId") end
