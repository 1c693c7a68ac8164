# An alert of Prisma Cloud: the payload of its webhook in its default or a custom template, or an alert of its API.

def policy: text(.policyName) // text(.policy.name) // text(.alertRuleName) // text(.policyId) // text(.policy.policyId);
def policy_id: text(.policyId) // text(.policy.policyId) // policy;
# What Prisma Cloud calls an API, as the cloud's type.
def apis: {
  "aws-s3api-get-bucket-acl": "AWS::S3::Bucket", "aws-ec2-describe-security-groups": "AWS::EC2::SecurityGroup",
  "aws-ec2-describe-instances": "AWS::EC2::Instance", "aws-ec2-describe-volumes": "AWS::EC2::Volume", "aws-ec2-describe-vpcs": "AWS::EC2::VPC",
  "aws-ec2-describe-subnets": "AWS::EC2::Subnet", "aws-iam-list-users": "AWS::IAM::User", "aws-iam-list-roles": "AWS::IAM::Role",
  "aws-iam-get-policy-version": "AWS::IAM::ManagedPolicy", "aws-rds-describe-db-instances": "AWS::RDS::DBInstance",
  "aws-cloudtrail-describe-trails": "AWS::CloudTrail::Trail", "aws-kms-get-key-rotation-status": "AWS::KMS::Key",
  "aws-sqs-get-queue-attributes": "AWS::SQS::Queue", "aws-sns-get-topic-attributes": "AWS::SNS::Topic",
  "aws-lambda-list-functions": "AWS::Lambda::Function", "aws-eks-describe-cluster": "AWS::EKS::Cluster",
  "aws-dynamodb-describe-table": "AWS::DynamoDB::Table", "azure-storage-account-list": "Microsoft.Storage/storageAccounts",
  "azure-network-nsg-list": "Microsoft.Network/networkSecurityGroups", "azure-sql-server-list": "Microsoft.Sql/servers",
  "azure-key-vault-list": "Microsoft.KeyVault/vaults", "azure-kubernetes-cluster": "Microsoft.ContainerService/managedClusters",
  "gcloud-storage-buckets-list": "storage.googleapis.com/Bucket", "gcloud-compute-firewall-rules-list": "compute.googleapis.com/Firewall",
  "gcloud-compute-instances-list": "compute.googleapis.com/Instance", "gcloud-container-describe-clusters": "container.googleapis.com/Cluster",
  "gcloud-sql-instances-list": "sqladmin.googleapis.com/Instance"
};
def told_type: text(.resourceType) // text(.resource.resourceType) // text(.resourceApiName) // text(.resource.resourceApiName);
def resource_type: (text(.resourceApiName) // text(.resource.resourceApiName) // text(.resource.resourceApi)) as $api
  | (if $api then apis[$api] else null end) // told_type;
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

# An alert of Compute, which has members that the operator chose: a container in a cluster is told by its labels, or not at all.
def compute:
  (text(.rule) // text(.ruleName) // error("rule: expected a text")) as $rule
  | object(.labels) as $labels
  | (text($labels["io.kubernetes.pod.namespace"]) // text(.namespace)) as $namespace
  | text($labels["io.kubernetes.pod.name"]) as $pod
  | if $namespace == null or $pod == null then ignored("\($rule): the alert of Compute names no pod" | line)
    else declared("v1"; "Pod"; $namespace; $pod; {}) as $resource
      | violation($rule; text(.message) | line; {container: text($labels["io.kubernetes.container.name"]), image: text(.image), detected: true})
      + {id: "\($rule):\($resource | named)", resource: $resource, title: "\($rule): \($resource | named)" | line, severity: severity(.severity), time: time(.time)}
      | given
    end;

if type != "object" then error("expected an alert of Prisma Cloud, found: \(type)")
elif has("policyName") or has("alertId") or has("policy") or has("alertRuleName") then alert
elif has("container") or has("host") then compute
elif (.message // .text // .title | type) == "string" then ignored("a test message of the integration")
else error("expected an alert of Prisma Cloud, with policyName and resourceId") end
