# A finding of GuardDuty: an event's detail in camelCase, or an answer of GetFindings in PascalCase.

def camel_case: walk(if type == "object" then with_entries(.key |= (.[:1] | ascii_downcase) + .[1:]) else . end);

def workload: object(.resource.kubernetesDetails.kubernetesWorkloadDetails)
  | kind_of(.type) as $kind
  | if $kind and text(.name) then declared(null; $kind; text(.namespace); .name; {}) else null end;

# What the finding is about: the first that is there. [what resourceType says, the path, CloudFormation's type]
def places: [
  ["S3Bucket", ["s3BucketDetails", 0, "name"], "AWS::S3::Bucket"],
  ["RDSDBInstance", ["rdsDbInstanceDetails", "dbInstanceIdentifier"], "AWS::RDS::DBInstance"],
  ["RDSDBInstance", ["rdsDbInstanceDetails", "dbClusterIdentifier"], "AWS::RDS::DBCluster"],
  ["Lambda", ["lambdaDetails", "functionName"], "AWS::Lambda::Function"],
  ["ECSCluster", ["ecsClusterDetails", "name"], "AWS::ECS::Cluster"],
  ["EKSCluster", ["eksClusterDetails", "name"], "AWS::EKS::Cluster"],
  ["KubernetesCluster", ["eksClusterDetails", "name"], "AWS::EKS::Cluster"],
  ["Instance", ["instanceDetails", "instanceId"], "AWS::EC2::Instance"]
];

def identity: object(.resource.accessKeyDetails)
  | text(.userName) as $name
  | if $name == null then null
    elif .userType == "IAMUser" then {type: "AWS::IAM::User", id: $name}
    elif .userType | among(["Role", "AssumedRole"]) then {type: "AWS::IAM::Role", id: $name}
    else null end;

def thing: . as $finding
  | if maybe(.resource.resourceType) == "AccessKey" then identity
    else [places[] | . as [$kind, $path, $type] | select(maybe($finding.resource.resourceType) == $kind)
      | text($finding.resource | getpath($path)) | select(. != null) | {type: $type, id: .}][0] end;

def resource: . as $finding | workload // (thing
  | if . then cloud("aws"; text($finding.accountId); text($finding.region); .type; .id) else null end);

def is_sample: maybe(.service.additionalInfo.sample) == true or (text(.title) // "" | startswith("[SAMPLE]"))
  or (text(.service.additionalInfo.value) // "" | test("\"sample\": *true"));

def level: if type != "number" then null elif . >= 9 then "critical" elif . >= 7 then "high" elif . >= 4 then "medium" else "low" end;

# A resource of an attack sequence (service.detection.sequence.resources); null for one that no source declares.
def last_part: split("/") | .[-1] | split(":") | .[-1] | text(.);
def of_sequence($finding): . as $resource
  | (text(.resourceType) // "") as $type
  | object(.data.kubernetesWorkload) as $workload
  | object(.data.accessKey) as $key
  | text(.uid) as $uid
  | if $type == "KUBERNETES_WORKLOAD" then kind_of($workload.type) as $kind
      | if $kind and text(.name) then declared(null; $kind; text($workload.namespace); .name; {}) else null end
    else (if $type == "ACCESS_KEY" then {resource: {accessKeyDetails: $key}} | identity
      elif $uid == null then null
      else {S3_BUCKET: "AWS::S3::Bucket", EC2_INSTANCE: "AWS::EC2::Instance", EKS_CLUSTER: "AWS::EKS::Cluster", ECS_CLUSTER: "AWS::ECS::Cluster",
          LAMBDA_FUNCTION: "AWS::Lambda::Function", AUTOSCALING_AUTO_SCALING_GROUP: "AWS::AutoScaling::AutoScalingGroup"}[$type]
        | if . then {type: ., id: (if . == "AWS::AutoScaling::AutoScalingGroup" then text($resource.name) else null end // ($uid | last_part))}
          else null end end)
      | if . and .id then cloud("aws"; text($resource.accountId) // text($finding.accountId); text($resource.region) // text($finding.region); .type; .id)
        else null end end;

# An attack over several resources: each that a source may declare is under suspicion.
def sequence: . as $finding
  | needed(.type; "type") as $rule
  | [list(.service.detection.sequence.resources)[] | objects
    | . as $one | {one: $one, resource: of_sequence($finding)}] as $all
  | [$all[] | select(.resource)] | unique_by(.resource) as $declared
  | if $declared == [] then ignored("\($rule): none of its resources is declared in a source" | line)
    else $declared[]
      | violation($rule; null; {sequence: text($finding.service.detection.sequence.uid)})
      + {
        id: "\(text($finding.id) // text($finding.arn)):\(.resource | named)",
        resource: .resource,
        title: "\(text($finding.title) // $rule): \(.resource | named)" | line,
        severity: ($finding.severity | level),
        first_seen: time($finding.service.eventFirstSeen),
        time: (time($finding.updatedAt) // time($finding.service.eventLastSeen)),
        hints: trace(.one.tags)
      } | if maybe($finding.service.archived) == true then over else . end | given
    end;

def finding:
  needed(.type; "type") as $rule
  | if is_sample then ignored("a sample finding that GuardDuty made up: \($rule)" | line)
    elif (.service.detection.sequence? | type) == "object" then sequence
    else
      resource as $resource
      | (maybe(.service.archived) == true) as $archived
      | trace(.resource.instanceDetails.tags // .resource.s3BucketDetails[0].tags // .resource.eksClusterDetails.tags // .resource.rdsDbInstanceDetails.tags) as $hints
      | object(.resource.kubernetesDetails) as $kubernetes
      | if $resource == null then ignored("\($rule): a resource of type \(maybe(.resource.resourceType) // "?") is not declared in a source" | line)
        else
          violation($rule; null; {
            container: text($kubernetes.kubernetesWorkloadDetails.containers[0].name),
            image: text($kubernetes.kubernetesWorkloadDetails.containers[0].image),
            action: text(.service.action.actionType), verb: text(.service.action.kubernetesApiCallAction.verb),
            api: text(.service.action.awsApiCallAction.api)})
          + {
            id: (text(.id) // text(.arn)),
            resource: $resource,
            title: (text(.title) // $rule | line),
            severity: (.severity | level),
            first_seen: time(.service.eventFirstSeen),
            time: (time(.updatedAt) // time(.service.eventLastSeen)),
            actor: ({
              user: (text($kubernetes.kubernetesUserDetails.username) // text(.resource.accessKeyDetails.userName)),
              via: text(.service.action.kubernetesApiCallAction.userAgent)} | given),
            hints: $hints
          } | if $archived then over else . end | given
        end
    end;

if type != "object" then error("expected a finding of GuardDuty, found: \(type)")
elif (.Findings | type) == "array" then
  if .Findings == [] then ignored("GuardDuty lists no findings")
  else .Findings[] | if type == "object" then camel_case | finding else error("Findings: expected findings, found: \(type)") end end
elif has("type") or has("Type") then camel_case | finding
else error("expected a finding of GuardDuty, with type and resource") end
