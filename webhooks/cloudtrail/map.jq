# A call of AWS's API as CloudTrail records it: somebody changed a resource. The request's parameters are not the whole of
# the resource, so they are no values to adopt: those have to be looked up.

def is_own: text(.userAgent) // "" | test("terraform|opentofu|hashicorp|pulumi|cloudformation\\.amazonaws|controltower"; "i");
def is_new: . | test("^(Create|Run|Register|Import|Restore|Copy|Start|Request|Generate|Send|Invoke|Publish|Assume|ConsoleLogin)");
def is_read: test("^(Get|List|Describe|Head|Lookup|Search|Query|Scan|Select|BatchGet|Check|Simulate|Validate|Test)");

def call:
  needed(.eventName; "eventName") as $name
  | needed(.eventSource; "eventSource") as $source
  | cloud_resource(text(.recipientAccountId) // text(.userIdentity.accountId); text(.awsRegion); $source; object(.requestParameters)) as $resource
  | if .readOnly == true or ($name | is_read) then ignored("\($name) only reads" | line)
    elif text(.errorCode) then ignored("\($name) failed: \(.errorCode)" | line)
    elif is_own then ignored("\($name) was called by an infrastructure tool: \(.userAgent)" | line)
    elif $name | is_new then ignored("\($name) makes something new: nothing that is declared differs" | line)
    elif $resource == null then ignored("\($name) of \($source) names no resource that is known by its parameters" | line)
    else {
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
