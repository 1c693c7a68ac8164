# A call of AWS's API as CloudTrail records it: somebody changed a resource. The request's parameters are not the whole of
# the resource, so they are no values to adopt: those have to be looked up.

def is_own: text(.userAgent) // "" | test("terraform|opentofu|hashicorp|pulumi|cloudformation\\.amazonaws|controltower"; "i");
# What is created as a part of something that is declared changes that.
def is_part: among(["CreatePolicyVersion", "CreateTags", "CreateRoute", "CreateNetworkAclEntry"]);
def is_new: (is_part | not) and test("^(Create|Run|Register|Import|Restore|Copy|Start|Request|Generate|Send|Invoke|Publish|Assume|ConsoleLogin)");
def is_read: test("^(Get|List|Describe|Head|Lookup|Search|Query|Scan|Select|BatchGet|Check|Simulate|Validate|Test)");

# Newer calls of EC2 hold their parameters in one: {"ModifyInstanceMetadataOptionsRequest": {"InstanceId": ...}}.
def parameters: object(.requestParameters) as $parameters
  | $parameters + ([$parameters | to_entries[] | select(.key | endswith("Request")) | .value | objects] | add // {}
    | with_entries(.key |= (.[:1] | ascii_downcase) + .[1:] | .value |= (if type == "object" and has("content") then .content else . end)));

# A resource that is tagged, by how its id begins.
def tagged: split("-")[0] as $word | {
  i: "AWS::EC2::Instance", sg: "AWS::EC2::SecurityGroup", vol: "AWS::EC2::Volume", vpc: "AWS::EC2::VPC", subnet: "AWS::EC2::Subnet",
  acl: "AWS::EC2::NetworkAcl", rtb: "AWS::EC2::RouteTable", eni: "AWS::EC2::NetworkInterface", igw: "AWS::EC2::InternetGateway"
}[$word];

# What a call changes: one resource, or each of a list.
def changed($account; $region; $source): parameters as $parameters
  | [list($parameters.instancesSet.items)[] | text(.instanceId) | strings | cloud("aws"; $account; $region; "AWS::EC2::Instance"; .)]
    + [list($parameters.resourcesSet.items)[] | text(.resourceId) | strings | . as $id | tagged | strings | cloud("aws"; $account; $region; .; $id)]
  | if . == [] then cloud_resource($account; $region; $source; $parameters) | [select(. != null)] else . end;

def call:
  needed(.eventName; "eventName") as $name
  | needed(.eventSource; "eventSource") as $source
  | changed(text(.recipientAccountId) // text(.userIdentity.accountId); text(.awsRegion); $source) as $resources
  | if .readOnly == true or ($name | is_read) then ignored("\($name) only reads" | line)
    elif text(.errorCode) then ignored("\($name) failed: \(.errorCode)" | line)
    elif is_own then ignored("\($name) was called by an infrastructure tool: \(.userAgent)" | line)
    elif $name | is_new then ignored("\($name) makes something new: nothing that is declared differs" | line)
    elif $resources == [] then ignored("\($name) of \($source) names no resource that is known by its parameters" | line)
    else $resources[] as $resource | {
        id: "\($name):\($resource | named)",
        intent: "drift",
        resource: $resource,
        title: "\($resource | named) was changed by \($name)" | line,
        time: time(.eventTime),
        actor: ({user: (text(.userIdentity.arn) // text(.userIdentity.userName) // text(.userIdentity.type)), via: text(.userAgent)} | given)
      } | given
    end;

if type == "object" and has("eventName") and has("eventSource") then call
elif type == "object" and (.Records | type) == "array" then
  if .Records == [] then ignored("the log file has no records")
  else .Records[] | if type == "object" then call else error("Records: expected objects, found: \(type)") end end
else error("expected a record of CloudTrail, with eventName and eventSource") end
