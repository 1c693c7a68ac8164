//! The table of pod specs, and what admission puts into a pod.
//!
//! Defaults are those of `pkg/apis/core/v1/defaults.go` and `zz_generated.defaults.go` of Kubernetes 1.32; fields of the
//! retired volume types those of 1.20.

use serde_json::{Map, Value};

use super::{
    filled,
    schema::{
        Absent, Field, Fields, allocated, computed, filled, flag, keyed, list, map, number, object, positive,
        quantities, quantity, section, text, zero,
    },
    server::{CLAIM_METADATA, TEMPLATE_METADATA},
};

/// A pod template.
pub(super) const TEMPLATE: Fields = &[section("metadata", TEMPLATE_METADATA), section("spec", POD_SPEC)];

/// A pod spec, of a pod or of a template. What only pods get asks for the kind.
pub(super) const POD_SPEC: Fields = &[
    text("dnsPolicy", "ClusterFirst"),
    text("restartPolicy", "Always"),
    text("schedulerName", "default-scheduler"),
    number("terminationGracePeriodSeconds", 30),
    section("securityContext", &[]),
    section("affinity", &[]),
    map("nodeSelector"),
    zero("hostNetwork"),
    zero("hostPID"),
    zero("hostIPC"),
    zero("hostname"),
    zero("subdomain"),
    zero("priorityClassName"),
    computed("serviceAccountName", filled::is_account),
    computed("serviceAccount", filled::is_account_alias),
    computed("nodeName", filled::is_pod),
    filled("priority", filled::is_pod),
    filled("preemptionPolicy", filled::is_usual_preemption),
    filled("enableServiceLinks", filled::are_service_links),
    quantities("overhead").or(Absent::Filled(filled::is_pod)),
    keyed("containers", &["name"], CONTAINER),
    keyed("initContainers", &["name"], CONTAINER),
    keyed("ephemeralContainers", &["name"], CONTAINER).or(Absent::Ignored),
    keyed("volumes", &["name"], VOLUME),
    keyed("imagePullSecrets", &["name"], &[]).or(Absent::Filled(filled::is_pod)),
    keyed("hostAliases", &["ip"], &[]),
    keyed("topologySpreadConstraints", &["topologyKey", "whenUnsatisfiable"], &[]),
    keyed("schedulingGates", &["name"], &[]),
    keyed("resourceClaims", &["name"], &[]),
    RESOURCES,
    list("tolerations", &[zero("key"), zero("operator"), zero("value"), zero("effect")]),
];

const CONTAINER: Fields = &[
    text("terminationMessagePath", "/dev/termination-log"),
    text("terminationMessagePolicy", "File"),
    computed("imagePullPolicy", filled::is_pull_policy),
    zero("workingDir"),
    zero("stdin"),
    zero("stdinOnce"),
    zero("tty"),
    section("securityContext", &[]),
    section("lifecycle", &[object("postStart", HANDLER), object("preStop", HANDLER)]),
    object("livenessProbe", PROBE),
    object("readinessProbe", PROBE),
    object("startupProbe", PROBE),
    RESOURCES,
    keyed(
        "ports",
        &["containerPort", "protocol"],
        &[zero("name"), text("protocol", "TCP"), zero("hostIP"), computed("hostPort", filled::is_host_port)],
    ),
    keyed("env", &["name"], &[zero("value"), object("valueFrom", &[FIELD_REF, RESOURCE_REF])]),
    list("envFrom", &[zero("prefix")]),
    keyed("volumeMounts", &["mountPath"], &[zero("readOnly"), zero("subPath"), zero("subPathExpr")]),
    keyed("volumeDevices", &["devicePath"], &[]),
];

const RESOURCES: Field =
    section("resources", &[quantities("limits"), quantities("requests"), keyed("claims", &["name"], &[])]);

const FIELD_REF: Field = object("fieldRef", &[text("apiVersion", "v1")]);

const RESOURCE_REF: Field =
    object("resourceFieldRef", &[zero("containerName"), quantity("divisor").or(Absent::Text("0"))]);

const PROBE: Fields = &[
    zero("initialDelaySeconds"),
    positive("timeoutSeconds", 1),
    positive("periodSeconds", 10),
    positive("successThreshold", 1),
    positive("failureThreshold", 3),
    HTTP_GET,
    TCP_SOCKET,
    object("grpc", &[text("service", "")]),
];

const HANDLER: Fields = &[HTTP_GET, TCP_SOCKET];

const HTTP_GET: Field = object("httpGet", &[text("path", "/"), text("scheme", "HTTP"), zero("host")]);

const TCP_SOCKET: Field = object("tcpSocket", &[zero("host")]);

const MODE: Field = number("defaultMode", 0o644);

const DOWNWARD: Field = list("items", &[FIELD_REF, RESOURCE_REF]);

const VOLUME: Fields = &[
    object("emptyDir", &[zero("medium"), quantity("sizeLimit")]).or(Absent::Filled(filled::is_only_source)),
    object("hostPath", &[text("type", "")]),
    object("configMap", &[MODE]),
    object("secret", &[MODE, zero("secretName")]),
    object("downwardAPI", &[MODE, DOWNWARD]),
    object(
        "projected",
        &[
            MODE,
            list(
                "sources",
                &[
                    object("downwardAPI", &[DOWNWARD]),
                    object("serviceAccountToken", &[zero("audience"), number("expirationSeconds", 3600)]),
                ],
            ),
        ],
    ),
    object(
        "ephemeral",
        &[object("volumeClaimTemplate", &[section("metadata", CLAIM_METADATA), section("spec", VOLUME_CLAIM_SPEC)])],
    ),
    object("persistentVolumeClaim", &[zero("readOnly")]),
    object("nfs", &[zero("readOnly")]),
    object("image", &[computed("pullPolicy", filled::is_pull_policy)]),
    object(
        "iscsi",
        &[
            text("iscsiInterface", "default"),
            zero("fsType"),
            zero("readOnly"),
            zero("chapAuthDiscovery"),
            zero("chapAuthSession"),
        ],
    ),
    object(
        "rbd",
        &[
            text("pool", "rbd"),
            text("user", "admin"),
            text("keyring", "/etc/ceph/keyring"),
            zero("fsType"),
            zero("readOnly"),
        ],
    ),
    object(
        "azureDisk",
        &[text("cachingMode", "ReadWrite"), text("fsType", "ext4"), flag("readOnly", false), text("kind", "Shared")],
    ),
    object(
        "scaleIO",
        &[text("storageMode", "ThinProvisioned"), text("fsType", "xfs"), zero("readOnly"), zero("sslEnabled")],
    ),
    object("azureFile", &[zero("readOnly")]),
    object("awsElasticBlockStore", &[zero("fsType"), zero("partition"), zero("readOnly")]),
    object("gcePersistentDisk", &[zero("fsType"), zero("partition"), zero("readOnly")]),
    object("fc", &[zero("fsType"), zero("readOnly")]),
    object("flexVolume", &[zero("fsType"), zero("readOnly")]),
    object("glusterfs", &[zero("readOnly")]),
    object("cephfs", &[zero("path"), zero("user"), zero("secretFile"), zero("readOnly")]),
    object("cinder", &[zero("fsType"), zero("readOnly")]),
    object("vsphereVolume", &[zero("fsType"), zero("storagePolicyName"), zero("storagePolicyID")]),
];

/// A claim's spec, of a claim, a StatefulSet's template or an ephemeral volume.
pub(super) const VOLUME_CLAIM_SPEC: Fields = &[
    text("volumeMode", "Filesystem"),
    allocated("volumeName"),
    filled("storageClassName", filled::is_claim),
    section("resources", &[quantities("limits"), quantities("requests")]),
    filled("dataSource", filled::is_data_source),
    filled("dataSourceRef", filled::is_data_source),
];

/// Takes away what admission put into a live pod: the service account's token, the two tolerations of every pod, and the
/// requests that are copied from the limits (`SetDefaults_Pod`; templates do not get them). Where the manifest declares
/// the like, it stays.
pub(super) fn without_injected(declared: &Map<String, Value>, live: &mut Map<String, Value>) {
    if declared.get("kind").and_then(Value::as_str) != Some("Pod") {
        return;
    }
    let nothing = Map::new();
    let declared = declared.get("spec").and_then(Value::as_object).unwrap_or(&nothing);
    let Some(Value::Object(live)) = live.get_mut("spec") else { return };
    let tokens = remove_items(declared, live, "volumes", "name", is_token_volume);
    for list in ["containers", "initContainers"] {
        let Some(Value::Array(items)) = live.get_mut(list) else { continue };
        for container in items.iter_mut().filter_map(Value::as_object_mut) {
            let name = container.get("name").cloned().unwrap_or_default();
            let ours = items_of(declared, list).iter().find(|item| item.get("name") == Some(&name));
            let ours = ours.and_then(Value::as_object).unwrap_or(&nothing);
            remove_items(ours, container, "volumeMounts", "mountPath", |mount| {
                mount.get("name").is_some_and(|name| tokens.contains(name))
            });
            remove_copied_requests(ours, container);
        }
    }
    let Some(Value::Array(tolerations)) = live.get_mut("tolerations") else { return };
    tolerations.retain(|toleration| {
        !is_usual_toleration(toleration) || items_of(declared, "tolerations").contains(toleration)
    });
}

fn items_of<'v>(map: &'v Map<String, Value>, list: &str) -> &'v [Value] {
    map.get(list).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Removes items that are not declared by the same key, and answers their names.
fn remove_items(
    declared: &Map<String, Value>,
    live: &mut Map<String, Value>,
    list: &str,
    key: &str,
    is_injected: impl Fn(&Value) -> bool,
) -> Vec<Value> {
    let Some(Value::Array(items)) = live.get_mut(list) else { return Vec::new() };
    let is_declared = |item: &Value| items_of(declared, list).iter().any(|ours| ours.get(key) == item.get(key));
    let (removed, kept) = std::mem::take(items).into_iter().partition(|item| is_injected(item) && !is_declared(item));
    *items = kept;
    let removed: Vec<Value> = removed;
    removed.iter().filter_map(|item| item.get("name").cloned()).collect()
}

/// The projected token of today and the secret of clusters before 1.22.
fn is_token_volume(volume: &Value) -> bool {
    let name = volume.get("name").and_then(Value::as_str).unwrap_or_default();
    let secret = volume.get("secret").and_then(|secret| secret.get("secretName")).and_then(Value::as_str);
    name.starts_with("kube-api-access-") && volume.get("projected").is_some()
        || name.contains("-token-") && secret == Some(name)
}

/// What the DefaultTolerationSeconds admission adds.
fn is_usual_toleration(toleration: &Value) -> bool {
    let get = |key| toleration.get(key).and_then(Value::as_str);
    matches!(get("key"), Some("node.kubernetes.io/not-ready" | "node.kubernetes.io/unreachable"))
        && get("operator") == Some("Exists")
        && get("effect") == Some("NoExecute")
        && toleration.get("tolerationSeconds") == Some(&300.into())
}

fn remove_copied_requests(declared: &Map<String, Value>, live: &mut Map<String, Value>) {
    let Some(Value::Object(resources)) = live.get_mut("resources") else { return };
    let declared = declared.get("resources").and_then(|resources| resources.get("requests"));
    let limits = resources.get("limits").cloned().unwrap_or_default();
    let Some(Value::Object(requests)) = resources.get_mut("requests") else { return };
    requests.retain(|name, amount| {
        declared.is_some_and(|declared| declared.get(name).is_some()) || limits.get(name) != Some(&*amount)
    });
}
