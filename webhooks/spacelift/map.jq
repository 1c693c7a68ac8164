# A notification of Spacelift about a run: its default payload, or one of a notification policy that lists run.changes.

def is_drift: maybe(.run.driftDetection) == true or maybe(.run.drift_detection) == true;
def state: text(.state) // text(.run.state) // "?" | ascii_upcase;
def changes: list(.run.changes) | map(select(type == "object"));
def affected: [maybe(.run.delta) | object(.) | (.added, .changed, .deleted, .added_count, .changed_count) | numbers] | add // null;

def hints: {
  repository: (text(.stack.repository_url) // text(.stack.repository)), path: text(.stack.project_root),
  revision: (text(.run.commit.hash) // text(.stack.branch))
} | given;

def drifted($notification): . as $resource | {
  id: "\($notification.stack.id // ""):\($resource | named)",
  intent: "drift",
  resource: $resource,
  title: "\($resource | named) has drifted: found by a run of Spacelift's drift detection" | line,
  time: (maybe($notification.timestamp) | unix_time),
  actor: {},
  hints: ($notification | hints)
} | given;

def run:
  . as $notification
  | needed(.stack.id; "stack.id") as $stack
  | {workspace: ({organization: (text(.account) // text(.account.name)), name: $stack} | present)} as $workspace
  | [changes[] | text(.entity.address) // text(.entity.data.address) | select(is_address)] as $addresses
  | if is_drift | not then ignored("\($workspace | named): a run for a commit or a person, not for drift" | line)
    elif state | among(["FINISHED", "PROPOSED", "UNCONFIRMED", "APPLYING", "CONFIRMED"]) | not then ignored("\($workspace | named): the run is \(state)" | line)
    elif $addresses != [] then $addresses | unique[] | {terraform: {address: .}} | drifted($notification)
    elif affected == 0 then ignored("\($workspace | named) has not drifted" | line)
    else $workspace | drifted($notification) end;

def documented: maybe(.run_updated) // maybe(.run_updated.run) | . != null;

if type != "object" then error("expected a notification of Spacelift, found: \(type)")
elif (.run | type) == "object" and (.stack | type) == "object" then run
elif (.run_updated | type) == "object" then
  object(.run_updated) as $updated
  | {account: (text(.account.name) // text(.account)), run: object($updated.run), stack: object($updated.stack), timestamp: maybe($updated.timestamp / 1000000000),
     state: text($updated.state)}
  | if text(.stack.id) then run else error("run_updated.stack.id: expected a text") end
elif has("error") and has("severity") then ignored("an internal error of Spacelift: \(.title // .error)" | line)
elif (.webhook_endpoints | type) == "array" or has("module_version") or has("internal_error") then ignored("not a notification about a run")
else error("expected a notification of Spacelift, with run and stack") end
