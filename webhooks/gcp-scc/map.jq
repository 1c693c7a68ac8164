# A notification of Security Command Center: {"finding": ..., "resource": ...}.

# //compute.googleapis.com/projects/p/global/firewalls/1 is what the asset inventory calls it; the type is told, or is the
# service and the collection.
def type_of_name: split("/") | select(length >= 4) | .[2] as $service
  | if $service == "storage.googleapis.com" then "storage.googleapis.com/Bucket" else "\($service)/\(.[-2])" end;

# google.compute.Firewall in notifications is compute.googleapis.com/Firewall in the inventory.
def type_of: if startswith("google.") then capture("^google\\.(?:cloud\\.)?(?<service>[a-z]+)\\.(?<kind>.+)$") | "\(.service).googleapis.com/\(.kind)" else . end;

def name: text(.finding.resourceName) // text(.resource.name) // text(.finding.resource.name);
def project: (text(.resource.projectDisplayName) // text(.resource.project_display_name) // text(.resource.gcpMetadata.projectDisplayName)
  // text(.finding.resource.project_display_name) // text(.finding.resource.projectDisplayName) // text(.finding.sourceProperties.ProjectId))
  // (name // "" | maybe(capture("/projects/(?<project>[^/]+)")) | if . then .project else null end);

def resource:
  name as $name
  | if $name == null then null
    else
      ((text(.resource.type) // text(.finding.resource.type)) | if . then maybe(type_of) else null end) as $type
      | cloud("gcp"; project; (text(.resource.location) // null); $type // ($name | [type_of_name][0]) // "unknown"; $name)
    end;

def finding:
  needed(.finding.category; "finding.category") as $rule
  | object(.finding) as $finding
  | resource as $resource
  | (text($finding.state) // "ACTIVE") as $state
  | if text($finding.mute) == "MUTED" then ignored("\($rule) is muted" | line)
    elif $resource == null then ignored("\($rule) names no resource" | line)
    else
      violation($rule; text($finding.description); {
        class: text($finding.findingClass), detected: (if $finding.findingClass == "THREAT" then true else null end),
        recommendation: (text($finding.nextSteps) // text($finding.sourceProperties.Recommendation)),
        explanation: text($finding.sourceProperties.Explanation)})
      + {
        id: (text($finding.name) // "\($rule):\($resource | named)"),
        resource: $resource,
        title: "\($rule): \(text(.resource.displayName) // text(.resource.display_name) // text($finding.resource.display_name) // $resource.cloud.id)" | line,
        severity: (severity($finding.severity) // severity($finding.sourceProperties.SeverityLevel)),
        first_seen: time($finding.createTime),
        time: time($finding.eventTime),
        actor: ({user: text($finding.access.principalEmail), via: text($finding.access.userAgentFamily)} | given),
        links: links($finding.externalUri)
      } | if $state == "ACTIVE" then . else over end | given
    end;

if type != "object" then error("expected a notification of Security Command Center, found: \(type)")
elif (.finding | type) == "object" then finding
elif (.jsonPayload | type) == "object" and (.logName // "" | tostring | test("security|threatdetection")) then
  ignored("a log entry: send notifications of Security Command Center instead")
else error("expected a notification of Security Command Center, with finding") end
