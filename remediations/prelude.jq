# Definitions that every program of a rule may use. Kubernetes objects and Terraform attributes are as a person writes them:
# anything may be missing, or be of another type than it should be.

# The list at f, or an empty one; the map at f, or an empty one.
def list(f): [f?] | .[0] | if type == "array" then . else [] end;
def map_at(f): [f?] | .[0] | if type == "object" then . else {} end;
def text(f): [f?] | .[0] | if type == "string" then . else "" end;

# Whether a word is one of several; whether a list holds a word.
def among($words): . as $word | $words | any(. == $word);
def holds($word): any(. == $word);

# The spec of the pod that a workload makes.
def pod: map_at(if .kind == "Pod" then .spec
  elif .kind == "CronJob" then .spec.jobTemplate.spec.template.spec
  elif .kind == "PodTemplate" then .template.spec
  else .spec.template.spec end);

# The pod's own metadata.
def pod_metadata: map_at(if .kind == "Pod" then .metadata
  elif .kind == "CronJob" then .spec.jobTemplate.spec.template.metadata
  elif .kind == "PodTemplate" then .template.metadata
  else .spec.template.metadata end);

# Its containers: those that stay, and all.
def main_containers: pod | [list(.containers)[] | objects];
def containers: pod | [list(.containers)[] | objects] + [list(.initContainers)[] | objects];
def all_containers: pod | [list(.containers)[] | objects] + [list(.initContainers)[] | objects] + [list(.ephemeralContainers)[] | objects];
def security: map_at(.securityContext);
def capabilities($which): [list(.securityContext.capabilities[$which])[] | strings | ascii_upcase | ltrimstr("CAP_")];
def annotations: map_at(.metadata.annotations);

# What an image's name says: registry and repository, tag, digest.
def image: text(.) | split("@") | {name: (.[0] // ""), digest: .[1]}
  | (.name | split("/")) as $parts | ($parts[-1] // "" | split(":")) as $last
  | {repository: ($parts[:-1] + [$last[0] // ""] | join("/")), tag: $last[1], digest: .digest};

# Addresses that mean everybody.
def anywhere: among(["0.0.0.0/0", "::/0", "0.0.0.0", "*", "Internet", "internet", "any", "Any", "<nw>/0", "/0"]);

# What is in live and not in declared, of what f lists.
def more(f): (.declared | [f]) as $known | [.live | [f][] | . as $one | select($known | any(. == $one) | not)];

# Terraform: what is at a place, null where nothing is; whether it is switched on; whether a plan knows it.
def maybe(f): [f?] | .[0];
def is_on: . == true or . == "true" or . == "True" or . == "TRUE";
def is_off: . == false or . == "false" or . == "False" or . == "FALSE";
def is_known: (type == "string" and contains("(known after apply)")) | not;

# The statements of a policy, given as text or as a value.
def statements: (if type == "string" then (fromjson? // {}) else . end) | maybe(.Statement) | if type == "object" then [.] else list(.) end | [.[] | objects];
def several: if type == "array" then . elif . == null then [] else [.] end;
