# One event of Tetragon. Hits of a tracing policy are findings; executions are what it sees all the time.

# Tetragon names the workload that the pod belongs to, and its kind since 1.0.
def resource: object(.pod) as $pod
  | text($pod.namespace) as $namespace | text($pod.workload) as $workload | kind_of($pod.workload_kind) as $kind
  | if $namespace == null then null
    elif $kind and $workload and $kind != "Pod" then declared(null; $kind; $namespace; $workload; {})
    elif text($pod.name) then declared("v1"; "Pod"; $namespace; $pod.name; $pod.pod_labels)
    else null end;

def hit($what; $event):
  . as $whole
  | (text($event.policy_name) // text($event.function_name) // text($event.event) // text($event.hook) // $what) as $rule
  | object($event.process) as $process
  | ($process | resource) as $resource
  | if $resource == null then ignored("\($rule): what happened on the node \($whole.node_name // "?") names no Kubernetes object" | line)
    else
      violation($rule; text($event.message); {
        container: text($process.pod.container.name), image: text($process.pod.container.image.name), pod: text($process.pod.name),
        function: text($event.function_name), action: text($event.action), binary: text($process.binary), tags: list($event.tags)})
      + {
        id: "\($rule):\($resource | named)",
        resource: $resource,
        title: "\(text($event.message) // $rule): \(text($process.binary) // "a process") in \($resource | named)" | line,
        time: time($whole.time)
      } | given
    end;

if type != "object" then error("expected an event of Tetragon, found: \(type)")
else
  [["process_kprobe", "process_tracepoint", "process_lsm", "process_uprobe", "process_usdt"][] as $what
    | select(.[$what] | type == "object") | hit($what; .[$what])]
  | if . == [] then null else .[] end
end
// (keys | map(select(startswith("process_") or . == "rate_limit_info" or . == "test"))[0]
  | if . then ignored("\(.): an observation, not a policy's hit")
    else error("expected an event of Tetragon, such as process_kprobe") end)
