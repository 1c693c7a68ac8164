# A finding as it is, or {"findings": [...]}. Lists, lines and CloudEvents are already taken apart.
# What is no object sorts before the empty one: the cheapest way to ask, and every delivery is asked.
if . < {} then error("expected a finding or {\"findings\": [...]}, found: \(type)")
elif has("findings") then .findings
  | if type != "array" then error("findings: expected a list, found: \(type)")
    elif . == [] then ignored("the list of findings is empty")
    else .[]
    end
else .
end
