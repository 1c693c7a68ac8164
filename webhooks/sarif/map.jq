# A SARIF 2.1.0 log of any tool: each result that fails is a finding about lines of a file.

def message: text(.message.text) // text(.message.markdown);

# The rule's own description: by index, else by id.
def description($rules; $id):
  maybe(.ruleIndex // .rule.index) as $index
  | (if ($index | type) == "number" and $index >= 0 then $rules[$index | floor] else null end
    | select(type == "object" and (.id == $id or $id == null)))
    // [$rules[] | objects | select(.id == $id)][0] // {};

# security-severity is a CVSS score in a text; without it the level tells.
def severity_of($rule): . as $result
  | maybe($rule.properties["security-severity"] | tonumber) as $score
  | if $score == null then severity($result.level // $rule.defaultConfiguration.level // "warning")
    elif $score >= 9 then "critical" elif $score >= 7 then "high" elif $score >= 4 then "medium" elif $score > 0 then "low"
    else "info" end;

# A name that a tool gives to what is at the place: only Terraform addresses are names of ours.
def logical: [list(.logicalLocations)[] | text(.fullyQualifiedName), text(.name) | select(is_address)][0];

# "file:///src/main.tf" is main.tf where the log names the folder, else the absolute path.
def path($run): text(.physicalLocation.artifactLocation.uri)
  | if . == null then null else
      . as $uri
      | [$run | object(.originalUriBaseIds)[] | text(.uri) // empty | . as $base | select($uri | startswith($base))][0] as $base
      | ($uri[($base // "" | length):] | sub("^file://"; "") | unescaped | file_path)
    end;

def failed($run):
  . as $result
  | (text(.ruleId) // text(.rule.id)) as $own
  | description(list($run.tool.driver.rules); $own) as $rule
  | ($own // text($rule.id)) as $id
  | [list(.locations)[] | {path: path($run), address: logical, line: maybe(.physicalLocation.region.startLine),
      last: maybe(.physicalLocation.region | .endLine // .startLine)} | select(.path or .address)] as $places
  | if $id == null then error("results: expected a ruleId")
    elif $places == [] then ignored("\($id): the result names no file" | line)
    else $places[]
      | (if .address then {terraform: {address: .address}} else file(.path; .line; .last) end) as $resource
      | violation($id; text($rule.shortDescription.text) // text($rule.name); {})
      + {
        id: ([$id, text(maybe($result.partialFingerprints | to_entries | sort_by(.key) | .[0].value)) // ($resource | named)] | join(":")),
        resource: $resource,
        title: ($result | message // text($rule.shortDescription.text) // $id | line),
        severity: ($result | severity_of($rule)),
        hints: (if .path then lines(.path; .line; .last) else {} end),
        links: links($rule.helpUri)
      } | given
    end;

def result($run):
  if type != "object" then error("results: expected objects, found: \(type)")
  elif list(.suppressions) | any(objects | .status != "rejected") then ignored("\(.ruleId // "a result") is suppressed" | line)
  elif (.kind // "fail") | among(["fail", "open", "review"]) | not then ignored("\(.ruleId // "a result"): \(.kind | tostring)" | line)
  elif .baselineState == "absent" then ignored("\(.ruleId // "a result") is not there any more" | line)
  elif .level == "none" and .kind == null then ignored("\(.ruleId // "a result") has the level none" | line)
  else failed($run) end;

if type != "object" or (.runs | type) != "array" then error("expected a SARIF 2.1.0 log with runs")
else
  [.runs[] | objects | . as $run | listed(.results; "results")[] | result($run)]
  | if . == [] then ignored("the log has no results") else .[] end
end
