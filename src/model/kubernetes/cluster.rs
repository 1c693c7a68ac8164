//! The tables of kinds that configure the cluster: storage, quotas, admission, extension of the API.
//!
//! Defaults are those of `pkg/apis/{core,storage,networking,scheduling,admissionregistration}/v1/defaults.go`,
//! `apiextensions-apiserver/pkg/apis/apiextensions/v1/defaults.go` and `kube-aggregator/pkg/apis/apiregistration/v1`.

use super::{
    filled,
    pod::TEMPLATE,
    schema::{
        Fields, allocated, filled, flag, ignored, keyed, list, number, object, quantities, section, shared, text, zero,
    },
    server::METADATA,
};

/// The table of such a kind.
pub(super) fn of(group: &str, version: &str, kind: &str) -> Option<Fields> {
    Some(match (group, version, kind) {
        ("", "v1", "PersistentVolume") => PERSISTENT_VOLUME,
        ("", "v1", "LimitRange") => LIMIT_RANGE,
        ("", "v1", "ResourceQuota") => RESOURCE_QUOTA,
        ("", "v1", "ReplicationController") => REPLICATION_CONTROLLER,
        ("", "v1", "Endpoints") => ENDPOINTS,
        ("storage.k8s.io", "v1", "StorageClass") => STORAGE_CLASS,
        ("storage.k8s.io", "v1", "CSIDriver") => CSI_DRIVER,
        ("networking.k8s.io", "v1", "IngressClass") => INGRESS_CLASS,
        ("scheduling.k8s.io", "v1", "PriorityClass") => PRIORITY_CLASS,
        ("admissionregistration.k8s.io", "v1", "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration") => {
            WEBHOOKS
        }
        ("apiextensions.k8s.io", "v1", "CustomResourceDefinition") => CUSTOM_RESOURCE,
        ("apiregistration.k8s.io", "v1", "APIService") => API_SERVICE,
        _ => return None,
    })
}

const PERSISTENT_VOLUME: Fields = &[
    section("metadata", METADATA),
    section(
        "spec",
        &[
            text("persistentVolumeReclaimPolicy", "Retain"),
            text("volumeMode", "Filesystem"),
            zero("storageClassName"),
            quantities("capacity"),
            allocated("claimRef"),
            object("hostPath", &[text("type", "")]),
            object("nfs", &[zero("readOnly")]),
            object("csi", &[zero("readOnly"), zero("fsType")]),
        ],
    ),
    ignored("status"),
];

const LIMIT_RANGE: Fields = &[
    section("metadata", METADATA),
    section(
        "spec",
        &[list(
            "limits",
            &[
                quantities("max"),
                quantities("min"),
                quantities("maxLimitRequestRatio"),
                shared("default", filled::is_limit),
                shared("defaultRequest", filled::is_request),
            ],
        )],
    ),
];

const RESOURCE_QUOTA: Fields =
    &[section("metadata", METADATA), section("spec", &[quantities("hard")]), ignored("status")];

const REPLICATION_CONTROLLER: Fields = &[
    section("metadata", METADATA),
    section(
        "spec",
        &[
            number("replicas", 1),
            zero("minReadySeconds"),
            filled("selector", filled::is_template_selector),
            object("template", TEMPLATE),
        ],
    ),
    ignored("status"),
];

const ENDPOINTS: Fields =
    &[section("metadata", METADATA), list("subsets", &[list("ports", &[zero("name"), text("protocol", "TCP")])])];

const STORAGE_CLASS: Fields =
    &[section("metadata", METADATA), text("reclaimPolicy", "Delete"), text("volumeBindingMode", "Immediate")];

const CSI_DRIVER: Fields = &[
    section("metadata", METADATA),
    section(
        "spec",
        &[
            flag("attachRequired", true),
            flag("podInfoOnMount", false),
            flag("storageCapacity", false),
            flag("requiresRepublish", false),
            flag("seLinuxMount", false),
            text("fsGroupPolicy", "ReadWriteOnceWithFSType"),
            filled("volumeLifecycleModes", filled::is_persistent),
        ],
    ),
];

const INGRESS_CLASS: Fields =
    &[section("metadata", METADATA), section("spec", &[object("parameters", &[text("scope", "Cluster")])])];

const PRIORITY_CLASS: Fields = &[
    section("metadata", METADATA),
    text("preemptionPolicy", "PreemptLowerPriority"),
    zero("globalDefault"),
    zero("description"),
];

/// `caBundle` is left to cert-manager and its like.
const WEBHOOKS: Fields = &[
    section("metadata", METADATA),
    keyed(
        "webhooks",
        &["name"],
        &[
            text("failurePolicy", "Fail"),
            text("matchPolicy", "Equivalent"),
            text("reinvocationPolicy", "Never"),
            number("timeoutSeconds", 10),
            section("namespaceSelector", &[]),
            section("objectSelector", &[]),
            keyed("matchConditions", &["name"], &[]),
            object("clientConfig", &[allocated("caBundle"), object("service", &[number("port", 443)])]),
            list("rules", &[text("scope", "*")]),
        ],
    ),
];

const CUSTOM_RESOURCE: Fields = &[
    section("metadata", METADATA),
    section(
        "spec",
        &[
            section(
                "conversion",
                &[
                    text("strategy", "None"),
                    object(
                        "webhook",
                        &[object("clientConfig", &[allocated("caBundle"), object("service", &[number("port", 443)])])],
                    ),
                ],
            ),
            section("names", &[filled("listKind", filled::is_list_kind), filled("singular", filled::is_singular)]),
            zero("preserveUnknownFields"),
        ],
    ),
    ignored("status"),
];

const API_SERVICE: Fields = &[
    section("metadata", METADATA),
    section("spec", &[allocated("caBundle"), zero("insecureSkipTLSVerify"), object("service", &[number("port", 443)])]),
    ignored("status"),
];
