# Definitions that every map.jq may use. A program gets one item of a delivery and yields findings, or ignored("why").

# Nothing to do, and why: one sentence without the word "ignored".
def ignored($why): {ignored: $why};

# The same of a whole report, which holds items and is none itself.
def of_report: . + {of_report: true};

# An object without the members that are null, so that absent stays absent.
def present: with_entries(select(.value != null));

# An object without the members that are null or empty: a finding, its rule, its hints.
def given: with_entries(select(.value != null and .value != {} and .value != []));

# What is at f; null where it is missing, of another type, or a member of what has none.
def maybe(f): [f?] | .[0];
def text(f): [f?] | .[0] | if type == "string" and . != "" then . else null end;
def object(f): [f?] | .[0] | if type == "object" then . else {} end;
def list(f): [f?] | .[0] | if type == "array" then . else [] end;

# Whether a word is one of several.
def among($words): . as $word | $words | any(. == $word);

# The same where a finding cannot do without it.
def needed(f; $where): text(f) // error("\($where): expected a text, found: \([f?] | .[0] | type)");
def needed_list(f; $where): [f?] | .[0] | if type == "array" then . else error("\($where): expected a list, found: \(type)") end;

# A list that may be missing, but is nothing else.
def listed(f; $where): [f?] | .[0] | if . == null then [] elif type == "array" then . else error("\($where): expected a list, found: \(type)") end;

# The first line of a text, at most 300 characters; null stays null.
def line: if type == "string" then (split("\n") | map(select(. != "")) | .[0] // "") | .[:300] | text(.) else null end;

# A time that is RFC 3339, or null.
def time(f): text(f) | if . == null or length < 20 or length > 40 or .[4:5] != "-" or .[7:8] != "-" or .[10:11] != "T" or .[13:14] != ":" then null
  elif endswith("Z") or (.[-6:-5] | . == "+" or . == "-") then . else null end;

# RFC 3339 of whole seconds since 1970, or null (days to a date: howardhinnant.github.io/date_algorithms.html).
def two_digits: tostring | if length < 2 then "0" + . else . end;
def clock: "T\(. / 3600 | floor | two_digits):\(. % 3600 / 60 | floor | two_digits):\(. % 60 | two_digits)Z";
def year_of_era: . - (. / 1460 | floor) + (. / 36524 | floor) - (. / 146096 | floor) | . / 365 | floor;
def days_before($year): 365 * $year + ($year / 4 | floor) - ($year / 100 | floor);
def day_and_month($year): ((5 * . + 2) / 153 | floor) as $m
  | {day: (. - ((153 * $m + 2) / 5 | floor) + 1), month: (if $m < 10 then $m + 3 else $m - 9 end), year: $year}
  | "\(if .month < 3 then .year + 1 else .year end)-\(.month | two_digits)-\(.day | two_digits)";
def date: (. / 146097 | floor) as $era | . - $era * 146097
  | year_of_era as $year | . - days_before($year) | day_and_month($year + $era * 400);
def unix_time: if type != "number" or . < 0 or . > 4102444800 then null
  else floor | (. / 86400 | floor + 719468 | date) + (. % 86400 | clock) end;

# The sender's word for how bad it is, in ours.
def severity(f): text(f) // "" | ascii_downcase | {
  critical: "critical", emergency: "critical", alert: "critical", fatal: "critical",
  high: "high", error: "high", important: "high",
  medium: "medium", moderate: "medium", warning: "medium", warn: "medium",
  low: "low", notice: "low", minor: "low", note: "low",
  info: "info", informational: "info", information: "info", negligible: "info", none: "info", debug: "info"
}[.];

# The same trouble, which is over: what is open for it is closed.
def over: . + {state: "resolved"};

# The trace of Yor (yor.io) among the tags of a resource: a map, or a list of keys and values.
def trace(f): [f?] | .[0] | if type == "object" then text(.yor_trace)
  elif type == "array" then [.[] | objects | select((text(.key) // text(.Key) // text(.name)) == "yor_trace") | text(.value) // text(.Value)][0]
  else null end | if . != null and test("^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$") then {trace: .} else {} end;

# Addresses that tell more: shown, never fetched.
def links(f): [f | strings | select(startswith("https://") or startswith("http://"))] | unique | .[:10];

# A finding that a rule is broken; params are what the rule found.
def violation($rule; $name; $params): {intent: "violation", rule: ({id: $rule, name: $name, params: ($params | given)} | given)};

# JSON Pointers from a list of keys, and from the paths of products: a.b[0].c, a/b/[0]/c.
def pointer: map("/" + (tostring | split("~") | join("~0") | split("/") | join("~1"))) | add // "";
def unbracketed: if startswith("[") and endswith("]") then .[1:-1] else . end;
def pointer_of_dotted: [scan("\\[[^\\]]*\\]|[^.\\[\\]]+") | unbracketed] | pointer;
def pointer_of_slashed: [split("/")[] | select(. != "") | unbracketed] | pointer;

# The difference of two values, as RFC 6902 operations that turn one into the other. A key that is missing is not null.
def member($of; $path): $of | getpath($path[:-1]) | if type == "object" then has($path[-1]) else true end;

def children($from; $to; $path): ($from | getpath($path)) as $a | ($to | getpath($path)) as $b
  | if ($a | type) == "object" and ($b | type) == "object" then ($a + $b | keys[])
    elif ($a | type) == "array" and ($b | type) == "array" and ($a | length) == ($b | length) then range($a | length)
    else null end;

# The paths at which two values differ, as deep as both have the same shape.
def differences($from; $to): reduce range(12) as $i ([[]];
  [.[] | . as $path | select(($from | getpath($path)) != ($to | getpath($path))) | children($from; $to; $path) as $key
    | if $key == null then $path else $path + [$key] end]
  | [.[] | . as $path | select(($from | getpath($path)) != ($to | getpath($path)))]);

def operation($from; $to): . as $path
  | if member($to; $path) | not then {op: "remove", path: pointer}
    else {op: (if member($from; $path) then "replace" else "add" end), path: pointer, value: ($to | getpath($path))} end;

# A list without repetitions, in its order.
def unique_in_order: reduce .[] as $one ([]; if any(. == $one) then . else . + [$one] end);

# The marker that stands for a secret: it tells that there is a difference, and is never written anywhere.
def withheld($why): {"sourceward/withheld": $why};

# apiVersion of a group that may be empty or null, and a version.
def api_version($group; $version): if ($group // "") == "" then $version else "\($group)/\($version)" end;

# A name as programs print it that have none: null.
def said: if . == "" or . == "<NA>" or . == "N/A" or . == "none" then null else . end;

# The identity of a Kubernetes object; a namespace of "" or null means none.
def kubernetes($api_version; $kind; $namespace; $name):
  {kubernetes: ({apiVersion: $api_version, kind: $kind, namespace: (if $namespace == "" then null else $namespace end), name: $name} | present)};

# Kinds of Kubernetes itself, for senders that name only the kind.
def api_versions: {
  Pod: "v1", Service: "v1", ConfigMap: "v1", Secret: "v1", ServiceAccount: "v1", Namespace: "v1", Node: "v1",
  PersistentVolume: "v1", PersistentVolumeClaim: "v1", ReplicationController: "v1", LimitRange: "v1", ResourceQuota: "v1",
  Deployment: "apps/v1", StatefulSet: "apps/v1", DaemonSet: "apps/v1", ReplicaSet: "apps/v1",
  Job: "batch/v1", CronJob: "batch/v1",
  Ingress: "networking.k8s.io/v1", IngressClass: "networking.k8s.io/v1", NetworkPolicy: "networking.k8s.io/v1",
  Role: "rbac.authorization.k8s.io/v1", RoleBinding: "rbac.authorization.k8s.io/v1",
  ClusterRole: "rbac.authorization.k8s.io/v1", ClusterRoleBinding: "rbac.authorization.k8s.io/v1",
  HorizontalPodAutoscaler: "autoscaling/v2", PodDisruptionBudget: "policy/v1", StorageClass: "storage.k8s.io/v1",
  PriorityClass: "scheduling.k8s.io/v1", CustomResourceDefinition: "apiextensions.k8s.io/v1",
  APIService: "apiregistration.k8s.io/v1",
  MutatingWebhookConfiguration: "admissionregistration.k8s.io/v1",
  ValidatingWebhookConfiguration: "admissionregistration.k8s.io/v1"
};

# A path in an object as one in what made it.
def path_in($resource; $kind): if $kind == "Pod" and $resource.kubernetes.kind == "Deployment" then "/spec/template" + .
  elif $kind == "Job" and $resource.kubernetes.kind == "CronJob" then "/spec/jobTemplate" + . else . end;

def is_cluster_wide: among(["Namespace", "Node", "PersistentVolume", "StorageClass", "IngressClass",
  "PriorityClass", "APIService", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition",
  "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"]);

# The kind that a word means: Deployment, deployment, deployments; null for any other word.
def plurals: {
  pods: "Pod", services: "Service", configmaps: "ConfigMap", secrets: "Secret", serviceaccounts: "ServiceAccount",
  namespaces: "Namespace", nodes: "Node", persistentvolumes: "PersistentVolume", persistentvolumeclaims:
  "PersistentVolumeClaim", replicationcontrollers: "ReplicationController", limitranges: "LimitRange", resourcequotas:
  "ResourceQuota", deployments: "Deployment", statefulsets: "StatefulSet", daemonsets: "DaemonSet", replicasets:
  "ReplicaSet", jobs: "Job", cronjobs: "CronJob", ingresses: "Ingress", ingressclasses: "IngressClass",
  networkpolicies: "NetworkPolicy", roles: "Role", rolebindings: "RoleBinding", clusterroles: "ClusterRole",
  clusterrolebindings: "ClusterRoleBinding", horizontalpodautoscalers: "HorizontalPodAutoscaler",
  poddisruptionbudgets: "PodDisruptionBudget", storageclasses: "StorageClass", priorityclasses: "PriorityClass",
  customresourcedefinitions: "CustomResourceDefinition", apiservices: "APIService", mutatingwebhookconfigurations:
  "MutatingWebhookConfiguration", validatingwebhookconfigurations: "ValidatingWebhookConfiguration"
};
def kind_of($word): ($word | if type == "string" then ascii_downcase else "" end) as $word
  | plurals as $plurals | $plurals[$word] // $plurals[$word + "s"] // $plurals[$word + "es"] // $plurals[$word[:-1] + "ies"];

# What made an object, by the suffix that its controller gave it; null where the name does not say it for certain.
# A ReplicaSet ends in the hash of its Deployment's template (a 32-bit number, its digits written as 4-9 b c d f), a Pod of
# it in that and five letters more, a CronJob's Job in the minutes since 1970.
def only($letters): (explode - ($letters | explode)) == [];
def is_hash: (length | . >= 8 and . <= 10) and only("456789bcdf");
def is_suffix($letters): length == 5 and only($letters);
def pod_suffix($parts; $hash):
  if $hash then $parts[-2] == $hash and ($parts[-1] | is_suffix("abcdefghijklmnopqrstuvwxyz0123456789"))
  else ($parts[-2] | is_hash) and ($parts[-1] | is_suffix("bcdfghjklmnpqrstvwxz2456789")) end;
def suffixes($kind; $parts; $labels): ($parts | length) as $length
  | if $kind == "Pod" then if $length > 2 and pod_suffix($parts; text($labels["pod-template-hash"])) then 2 else 0 end
    elif $kind == "ReplicaSet" then if $length > 1 and ($parts[-1] | is_hash) then 1 else 0 end
    elif $kind == "Job" then
      if $length > 1 and ($parts[-1] | length == 8 and only("0123456789") and (.[:1] | . == "2" or . == "3")) then 1 else 0 end
    else 0 end;
def maker($kind; $name; $labels): ($name | split("-")) as $parts
  | suffixes($kind; $parts; $labels) as $count
  | ($parts[:($parts | length) - $count] | join("-")) as $stem
  | if $count == 0 or $stem == "" then null
    else {kind: (if $kind == "Job" then "CronJob" else "Deployment" end), name: $stem} end;

# The object that a source declares: what made this one, where its name says so, else itself. The kind's usual apiVersion
# stands in for one that is null, or that the kind never had; an error where there is none.
def declared($version; $kind; $namespace; $name; $labels):
  maker($kind; $name; $labels) as $maker
  | (if $version == "v1" and api_versions[$kind] then null else $version end) as $api_version
  | if $maker != null then kubernetes(api_versions[$maker.kind]; $maker.kind; $namespace; $maker.name)
    else kubernetes($api_version // api_versions[$kind] // error("the apiVersion of \($kind) is not known"); $kind; $namespace; $name) end;

# A resource of AWS by the parameters of a call of its API, for calls that change what is there; null for others. Each row is
# the service, the parameter, and CloudFormation's type.
def aws_parameters: [
  ["ec2", "groupId", "AWS::EC2::SecurityGroup"], ["ec2", "securityGroupId", "AWS::EC2::SecurityGroup"],
  ["ec2", "networkAclId", "AWS::EC2::NetworkAcl"], ["ec2", "routeTableId", "AWS::EC2::RouteTable"],
  ["ec2", "subnetId", "AWS::EC2::Subnet"], ["ec2", "vpcId", "AWS::EC2::VPC"], ["ec2", "volumeId", "AWS::EC2::Volume"],
  ["ec2", "instanceId", "AWS::EC2::Instance"], ["ec2", "flowLogId", "AWS::EC2::FlowLog"], ["s3", "bucketName", "AWS::S3::Bucket"],
  ["iam", "roleName", "AWS::IAM::Role"], ["iam", "userName", "AWS::IAM::User"], ["iam", "groupName", "AWS::IAM::Group"],
  ["iam", "policyArn", "AWS::IAM::ManagedPolicy"], ["rds", "dBInstanceIdentifier", "AWS::RDS::DBInstance"],
  ["rds", "dBClusterIdentifier", "AWS::RDS::DBCluster"], ["lambda", "functionName", "AWS::Lambda::Function"],
  ["kms", "keyId", "AWS::KMS::Key"], ["cloudtrail", "name", "AWS::CloudTrail::Trail"], ["sns", "topicArn", "AWS::SNS::Topic"],
  ["sqs", "queueUrl", "AWS::SQS::Queue"], ["dynamodb", "tableName", "AWS::DynamoDB::Table"],
  ["eks", "clusterName", "AWS::EKS::Cluster"], ["eks", "name", "AWS::EKS::Cluster"], ["ecr", "repositoryName", "AWS::ECR::Repository"],
  ["elasticfilesystem", "mountTargetId", "AWS::EFS::MountTarget"], ["elasticfilesystem", "fileSystemId", "AWS::EFS::FileSystem"],
  ["elasticloadbalancing", "loadBalancerArn", "AWS::ElasticLoadBalancingV2::LoadBalancer"],
  ["logs", "logGroupName", "AWS::Logs::LogGroup"], ["secretsmanager", "secretId", "AWS::SecretsManager::Secret"]
];
def cloud($provider; $account; $region; $type; $id):
  {cloud: ({provider: $provider, account: $account, region: $region, type: $type, id: $id} | present)};
def cloud_resource($account; $region; $source; $parameters):
  [aws_parameters[] | . as [$service, $name, $type]
    | select(($source | startswith($service + ".")) or ($source == "" and ($name | among(["name", "groupName", "userName"]) | not)))
    | text($parameters[$name]) | select(. != null) | cloud("aws"; $account; $region; $type; .)][0];

# Whether a text is the address of a Terraform resource: its type has the provider's name before the first "_".
def is_address: type == "string"
  and test("^(module\\.[A-Za-z0-9_-]+(\\[[^]]*\\])?\\.)*[a-z][a-z0-9]*_[a-z0-9_]+\\.[A-Za-z_][A-Za-z0-9_-]*(\\[[^]]*\\])?$");

# Text with its percent-encoding taken off, as far as that is ASCII.
def hexadecimal: ascii_downcase | explode | map(if . > 96 then . - 87 else . - 48 end) | .[0] * 16 + .[1];
def unescaped: [scan("%[0-7][0-9A-Fa-f]|[^%]+|%")] | map(if length == 3 and test("^%[0-7]") then [.[1:] | hexadecimal] | implode else . end) | join("");

# Lines of a file, as a resource and as hints; a path of null or "" is none.
def whole: if type == "number" and . >= 1 and . <= 4294967295 then floor else null end;
def file_path: if type == "string" then sub("^(\\./|/)+"; "") | text(.) else null end;
def file($path; $line; $last): {file: ({path: $path, line: ($line | whole), end_line: ($last | whole)} | present)};
def lines($path; $line; $last): {file: ($path | file_path), line: ($line | whole), end_line: ($last | whole)} | given;

# Places that a complete report looked at (complete.jq): files, Terraform addresses, objects as "Kind namespace/name".
def place_of_file: if type == "string" then file_path // empty else empty end;
def place_of_object($kind; $namespace; $name): "\($kind) \(if $namespace then $namespace + "/" else "" end)\($name)";

# A resource in a few words, for titles.
def named: if .kubernetes then .kubernetes | if .namespace then "\(.kind) \(.namespace)/\(.name)" else "\(.kind) \(.name)" end
  elif .terraform then .terraform.address
  elif .cloud then "\(.cloud.type) \(.cloud.id)"
  elif .file then if .file.line then "\(.file.path):\(.file.line)" else .file.path end
  elif .workspace then "workspace \(.workspace.name)"
  else "application \(.argocd.name)" end;
