# A ChaosResult of Litmus, or an event of a shipper that holds one: an experiment that failed on its targets.

# Targets are what the experiment struck: history names them.
def targets: [list(.status.history.targets)[] , list(.history.targets)[]] | map(select(type == "object" and text(.name) and text(.kind)));

def resource($namespace): kind_of(.kind) as $kind
  | if $kind == null then null
    else declared(null; $kind; (if $kind | is_cluster_wide then null else $namespace end); .name; {}) end;

def probes: [list(.status.probeStatuses // .status.probeStatus)[] | objects
  | select(maybe(.status.verdict) // maybe(.status.Continuous) // "" | tostring | test("Fail|Better Luck")) | text(.name) | strings];

def failed($rule; $target; $result): . as $resource
  | violation($rule; null; {probes: ($result | probes), engine: text($result.spec.engine), reason: ($result | text(.status.experimentStatus.errorOutput.reason) // text(.status.experimentStatus.failStep))})
  + {
    id: "\($rule):\($resource | named)",
    resource: $resource,
    title: "\($rule) failed on \($resource | named)\($result | probes | if . == [] then "" else ": probe " + join(", ") end)" | line
  } | given;

def result:
  . as $result
  | (text(.spec.experiment) // error("spec.experiment: expected a text")) as $rule
  | (text(.status.experimentStatus.verdict) // text(.status.experimentstatus.verdict) // error("status.experimentStatus.verdict: expected a text")) as $verdict
  | (text(.metadata.labels.appns) // text(.spec.appinfo.appns) // text(.metadata.namespace)) as $namespace
  | if $verdict | among(["Pass", "Awaited", "Stopped"]) then ignored("\($rule): the verdict is \($verdict)" | line)
    elif $verdict == "Error" then ignored("\($rule) could not run: \(text(.status.experimentStatus.errorOutput.reason) // "?")" | line)
    elif $verdict != "Fail" then error("status.experimentStatus.verdict: expected Pass, Fail, Stopped, Awaited or Error")
    else
      targets as $targets
      | if $targets == [] then ignored("\($rule) failed; the result names no target" | line)
        else $targets[] | . as $target | resource($namespace)
          | if . == null then ignored("\($rule) failed on \($target.kind) \($target.name)" | line) else failed($rule; $target; $result) end
        end
    end;

if type != "object" then error("expected a ChaosResult, found: \(type)")
elif .kind == "ChaosResult" then result
elif (.object | type) == "object" and maybe(.object.kind) == "ChaosResult" then
  if .type == "DELETED" then ignored("the result was deleted") else .object | result end
elif (.kind | type) == "string" then ignored("\(.kind): not the result of an experiment" | line)
else error("expected a ChaosResult, with spec.experiment and status.experimentStatus") end
