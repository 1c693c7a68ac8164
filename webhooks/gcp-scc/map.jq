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

# What runs in a cluster is named by its kind: that is what a source declares.
def in_cluster: [list(.finding.kubernetes.objects)[] | objects
    | kind_of(.kind) as $kind | text(.name) as $name | select($kind and $name)
    | declared(if text(.group) and api_versions[$kind] == null then null else api_versions[$kind] end; $kind; text(.ns); $name; {})][0]
  // ([list(.finding.kubernetes.pods)[] | objects | select(text(.name) and text(.ns)) | declared("v1"; "Pod"; .ns; .name; {})][0]);

# Findings about the other clouds name their resources as those do: //cloudasset.googleapis.com/arn:aws:s3:::shop.
def elsewhere: (text(.resource.cloudProvider) // text(.resource.cloud_provider)) as $cloud
  | (name // "" | sub("^//[^/]+/"; "")) as $id
  | if $id == "" then null
    elif $cloud == "AMAZON_WEB_SERVICES" then cloud("aws"; text(.resource.awsMetadata.account.id) // text(.resource.aws_metadata.account.id);
      text(.resource.location); text(.resource.type) // "unknown"; $id)
    elif $cloud == "MICROSOFT_AZURE" then cloud("azure"; text(.resource.azureMetadata.subscription.id) // text(.resource.azure_metadata.subscription.id);
      null; text(.resource.type) // "unknown"; (if $id | startswith("/") then $id else "/" + $id end))
    else null end;

def resource:
  name as $name
  | in_cluster as $object
  | elsewhere as $elsewhere
  | if $object then $object
    elif $elsewhere then $elsewhere
    elif $name == null then null
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
        title: "\($rule): \(text(.resource.displayName) // text(.resource.display_name) // text($finding.resource.display_name) // ($resource | if .cloud then .cloud.id else named end))" | line,
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
