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

def finding:
  needed(.type; "type") as $rule
  | if is_sample then ignored("a sample finding that GuardDuty made up: \($rule)" | line)
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
