# Findings of Security Hub: ASFF, alone or as a list, or OCSF (class 2002 to 2007), one finding a resource.

# ASFF's type of a resource as CloudFormation's; ASFF's own where that is not known.
def services: [["AwsEc2", "EC2"], ["AwsS3", "S3"], ["AwsIam", "IAM"], ["AwsRds", "RDS"], ["AwsKms", "KMS"], ["AwsSns", "SNS"],
  ["AwsSqs", "SQS"], ["AwsEks", "EKS"], ["AwsEcs", "ECS"], ["AwsEcr", "ECR"], ["AwsLambda", "Lambda"],
  ["AwsCloudTrail", "CloudTrail"], ["AwsCloudFront", "CloudFront"], ["AwsDynamoDb", "DynamoDB"],
  ["AwsSecretsManager", "SecretsManager"], ["AwsApiGateway", "ApiGateway"], ["AwsAutoScaling", "AutoScaling"],
  ["AwsElasticsearch", "Elasticsearch"], ["AwsOpenSearchService", "OpenSearchService"], ["AwsRedshift", "Redshift"],
  ["AwsElbv2", "ElasticLoadBalancingV2"], ["AwsEfs", "EFS"], ["AwsLogs", "Logs"], ["AwsWafv2", "WAFv2"]];
def spellings: {"Vpc": "VPC", "DbInstance": "DBInstance", "DbCluster": "DBCluster", "Policy": "Policy", "Eip": "EIP"};
def cloudformation: . as $type
  | if . == "AwsAccount" then "AWS::::Account" else
      ([services[] | select(.[0] as $prefix | $type | startswith($prefix))][0] // null)
      | if . == null then $type else .[1] as $service | $type[(.[0] | length):] | "AWS::\($service)::\(spellings[.] // .)" end
    end;

# Resources of the type Other, and of none that ASFF has, by their ARN.
def arns: [[":lambda:.*:function:", "AWS::Lambda::Function"], [":s3:::", "AWS::S3::Bucket"], [":sns:", "AWS::SNS::Topic"],
  [":sqs:", "AWS::SQS::Queue"], [":kms:.*:key/", "AWS::KMS::Key"], [":iam:.*:role/", "AWS::IAM::Role"],
  [":iam:.*:user/", "AWS::IAM::User"], [":iam:.*:policy/", "AWS::IAM::ManagedPolicy"],
  [":ec2:.*:security-group/", "AWS::EC2::SecurityGroup"], [":ec2:.*:instance/", "AWS::EC2::Instance"],
  [":rds:.*:db:", "AWS::RDS::DBInstance"], [":dynamodb:.*:table/", "AWS::DynamoDB::Table"],
  [":ecr:.*:repository/", "AWS::ECR::Repository"], [":eks:.*:cluster/", "AWS::EKS::Cluster"]];
def type_of_arn($id): [arns[] | . as [$pattern, $type] | select($id | startswith("arn:") and test($pattern)) | $type][0];

# Of a key it is its owner who is declared: {"UserName": ...} or {"PrincipalName": ..., "PrincipalType": "AssumedRole"}.
def owner($account; $region): object(.) as $key
  | (text($key.UserName) // text($key.PrincipalName)) as $name
  | if $name == null then null
    elif text($key.PrincipalType) == "AssumedRole" then cloud("aws"; $account; $region; "AWS::IAM::Role"; $name)
    elif text($key.PrincipalType) // "IAMUser" | . == "IAMUser" then cloud("aws"; $account; $region; "AWS::IAM::User"; $name)
    else null end;

def place($account; $region):
  needed(.type; "type of the resource") as $type
  | if $type == "AwsIamAccessKey" then maybe(.details.AwsIamAccessKey) | owner($account; $region)
    else needed(.id; "id of the resource") | cloud("aws"; $account; $region; (if $type == "Other" then type_of_arn(.) else null end) // ($type | cloudformation); .) end;

# The control that failed, else what the product calls it: GuardDuty's types end in its own.
def rule_of_type: text(.Types[0]) // "" | split("/") | .[-1] // null | text(.);
def is_guardduty: (text(.ProductFields["aws/securityhub/ProductName"]) // text(.ProductName)) == "GuardDuty";
def rule: text(.Compliance.SecurityControlId) // text(.ProductFields.ControlId) // text(.ProductFields.RuleId)
  // (if is_guardduty then rule_of_type else null end) // text(.GeneratorId) // text(.Title);

def is_untold: if maybe(.Compliance.Status) == "NOT_AVAILABLE" then "has the compliance status NOT_AVAILABLE"
  elif .Sample == true then "is a sample"
  else null end;
def is_settled: .RecordState == "ARCHIVED" or (maybe(.Workflow.Status) | among(["RESOLVED", "SUPPRESSED"])) or maybe(.Compliance.Status) == "PASSED";

def found($finding): . as $resource
  | if $resource == null then ignored("\($finding.rule): its resource has no name" | line)
    else
      violation($finding.rule; $finding.name; $finding.params)
      + {
        id: "\($finding.id // $finding.rule):\($resource | named)",
        resource: $resource,
        title: ($finding.name // $finding.rule | line),
        severity: $finding.severity,
        first_seen: $finding.first_seen,
        time: $finding.time,
        actor: $finding.actor,
        hints: $finding.hints,
        links: $finding.links
      } | if $finding.over then over else . end | given
    end;

def asff:
  (rule // error("expected a GeneratorId or a SecurityControlId")) as $rule
  | is_untold as $untold
  | if $untold then ignored("\($rule) \($untold)" | line)
    elif listed(.Resources; "Resources") == [] then ignored("\($rule) names no resource" | line)
    else . as $finding
      | list(.Resources)[] | if type != "object" then error("Resources: expected objects, found: \(type)") else . end
      | trace(.Tags) as $hints
      | {type: .Type, id: .Id, region: .Region, details: .Details} | place(text($finding.AwsAccountId); text(.region) // text($finding.Region))
      | found({
        rule: $rule, id: $finding.Id, name: text($finding.Title), params: {
          generator: text($finding.GeneratorId), detected: ($finding | if is_guardduty then true else null end), requirements: list($finding.Compliance.RelatedRequirements)},
        severity: (severity($finding.Severity.Label) // severity($finding.ProductFields["aws/securityhub/SeverityLabel"])),
        first_seen: time($finding.FirstObservedAt), time: time($finding.UpdatedAt),
        links: links($finding.Remediation.Recommendation.Url, $finding.SourceUrl), actor: {}, hints: $hints, over: ($finding | is_settled)
      })
    end;

def kubernetes_object: kind_of(.type) as $kind
  | if $kind and text(.namespace) and text(.name) then declared(null; $kind; .namespace; .name; {}) else null end;
def ocsf_resource($finding): kubernetes_object // (
  {type: (text(.type) // "?"), id: (text(.uid) // .name), region: .region, details: (.data | if type == "string" then maybe(fromjson) else . end)}
  | (text(.region) // text($finding.cloud.region)) as $region
  | (text($finding.cloud.provider) // "" | ascii_downcase) as $provider
  | text($finding.cloud.account.uid) as $account
  | if $provider == "aws" or (.type | startswith("Aws")) then place($account; $region)
    elif $provider | among(["gcp", "azure"]) then cloud($provider; $account; $region; .type; needed(.id; "uid of the resource"))
    else null end);

def ocsf_rule: text(.compliance.control) // text(.compliance.checks[0].uid) // text(.finding_info.analytic.uid) // text(.finding_info.analytic.name)
  // (text(.finding_info.types[0]) // "" | split("/") | .[-1] // null | text(.)) // text(.finding_info.title);

def ocsf_class: .class_uid | if type == "number" then . else 0 end;

def ocsf_settled: ((text(.status) // "" | ascii_downcase) | among(["resolved", "suppressed", "archived"]))
  or ((text(.compliance.status) // "" | ascii_downcase) | among(["pass", "passed"])) or maybe(.activity_name) == "Close";

def ocsf:
  (ocsf_rule // error("finding_info: expected types, an analytic or a title")) as $rule
  | (listed(.resources; "resources") + [object(.resource) | select(. != {})]) as $resources
  | if $resources == [] then ignored("\($rule) names no resource" | line)
    else . as $finding
      | $resources[] | if type != "object" then error("resources: expected objects, found: \(type)") else . end
      | trace(.tags // .labels) as $hints
      | ocsf_resource($finding)
      | found({
        rule: $rule, id: text($finding.finding_info.uid), name: text($finding.finding_info.title), params: {
          detected: ($finding | if ocsf_class == 2004 then true else null end), standards: list($finding.compliance.standards), requirements: list($finding.compliance.requirements)},
        severity: severity($finding.severity),
        first_seen: time($finding.finding_info.first_seen_time_dt), time: (time($finding.time_dt) // (maybe($finding.time / 1000) | unix_time)),
        links: links(list($finding.remediation.references)[], $finding.finding_info.src_url),
        actor: ({user: text($finding.actor.user.name)} | given), hints: $hints, over: ($finding | ocsf_settled)
      })
    end;

def one:
  if type != "object" then error("expected a finding, found: \(type)")
  elif has("class_uid") then
    if ocsf_class >= 2002 and ocsf_class <= 2007 then ocsf
    else ignored("\(.class_name // .class_uid | tostring): an event, not a finding" | line) end
  elif has("SchemaVersion") or (has("ProductArn") and has("Resources")) then asff
  elif .kind == "Event" and (.apiVersion | tostring | startswith("audit.k8s.io/")) then ignored("an audit event of the Kubernetes API, not a finding")
  else error("expected a finding in ASFF (SchemaVersion, Resources) or OCSF (class_uid)") end;

if type != "object" then error("expected findings of Security Hub, found: \(type)")
elif has("findings") or has("Findings") then
  (.findings // .Findings) | if type != "array" then error("findings: expected a list")
    elif . == [] then ignored("the list of findings is empty") else .[] | one end
elif has("insightResults") or has("insightArn") then ignored("results of an insight are counts, not findings")
else one end
