# A finding as it is, or {"findings": [...]}. Lists, lines and CloudEvents are already taken apart.
if type != "object" then error("expected a finding or {\"findings\": [...]}, found: \(type)")
elif has("findings") | not then .
elif (.findings | type) != "array" then error("findings: expected a list, found: \(.findings | type)")
elif .findings == [] then ignored("the list of findings is empty")
else .findings[]
end
