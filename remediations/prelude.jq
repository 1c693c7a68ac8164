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

# What a rule of a security group lets through, in words; null where its ports alone do not say it.
def traffic($way):
  (maybe(.protocol) // maybe(.ip_protocol) | tostring | ascii_downcase | {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6", "all": "-1"}[.] // .) as $protocol
  | (maybe(.from_port) | tostring) as $from | (maybe(.to_port) | tostring) as $to
  | {tcp: {"21": "FTP", "22": "SSH", "25": "SMTP", "53": "DNS", "80": "HTTP", "88": "Kerberos", "389": "LDAP", "443": "HTTPS", "445": "SMB",
      "465": "SMTP over TLS", "587": "mail submission", "636": "LDAP over TLS", "993": "IMAP over TLS", "1433": "SQL Server", "1521": "Oracle Database",
      "2049": "NFS", "2379": "etcd", "3306": "MySQL", "3389": "RDP", "5432": "PostgreSQL", "5439": "Redshift", "5671": "AMQP over TLS", "5672": "AMQP",
      "5900": "VNC", "5985": "WinRM", "5986": "WinRM over TLS", "6379": "Redis", "6443": "Kubernetes API", "8080": "HTTP on port 8080",
      "8443": "HTTPS on port 8443", "9042": "Cassandra", "9092": "Kafka", "9094": "Kafka over TLS", "9200": "OpenSearch", "10250": "kubelet",
      "11211": "Memcached", "27017": "MongoDB"},
     udp: {"53": "DNS", "123": "NTP", "514": "syslog"}} as $services
  | if $protocol == "-1" then "All \($way) traffic"
    elif $protocol | among(["icmp", "icmpv6"]) then "\($way | .[:1] | ascii_upcase)\($way | .[1:]) ICMP"
    elif ($protocol | among(["tcp", "udp"])) and $from == "0" and $to == "65535" then "All \($way) \($protocol | ascii_upcase) traffic"
    elif $from == $to and $services[$protocol][$from] then "\($way | .[:1] | ascii_upcase)\($way | .[1:]) \($services[$protocol][$from])"
    else null end;
