# Definitions that every map.jq may use. A program gets one item of a delivery and yields findings, or ignored("why").

# Nothing to do, and why: one sentence without the word "ignored".
def ignored($why): {ignored: $why};

# An object without the members that are null, so that absent stays absent.
def present: with_entries(select(.value != null));

# apiVersion of a group that may be empty or null, and a version.
def api_version($group; $version): if ($group // "") == "" then $version else "\($group)/\($version)" end;

# The identity of a Kubernetes object; a namespace of "" or null means none.
def kubernetes($api_version; $kind; $namespace; $name):
  {kubernetes: ({apiVersion: $api_version, kind: $kind, namespace: (if $namespace == "" then null else $namespace end), name: $name} | present)};
