//! The table of each kind that runs something, but for the pod template (see [`super::pod`]).
//!
//! Defaults are those of `pkg/apis/{apps,batch,autoscaling,networking,policy,rbac}/v1/defaults.go` and
//! `pkg/apis/core/v1/defaults.go` of Kubernetes 1.32; allocated fields those of `pkg/registry`; list keys those of
//! `api/openapi-spec`.

use super::{
    cluster, filled,
    pod::{POD_SPEC, TEMPLATE, VOLUME_CLAIM_SPEC},
    schema::{
        Absent, Field, Fields, allocated, computed, filled, flag, ignored, keyed, list, map, number, object, quantity,
        section, set, shared, shared_list, text, zero,
    },
    server::{CLAIM_METADATA, METADATA, TEMPLATE_METADATA},
};

/// What is known of a kind without a table.
pub(super) const UNKNOWN: Fields = &[section("metadata", METADATA), ignored("status")];

/// The table of a kind, if Kubernetes defines it in this version.
pub(super) fn of(api_version: &str, kind: &str) -> Option<Fields> {
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    Some(match (group, version, kind) {
        ("apps" | "extensions", _, "Deployment") => DEPLOYMENT,
        ("apps" | "extensions", _, "DaemonSet") => DAEMON_SET,
        ("apps" | "extensions", _, "ReplicaSet") => REPLICA_SET,
        ("apps", _, "StatefulSet") => STATEFUL_SET,
        ("batch", _, "Job") => JOB,
        ("batch", _, "CronJob") => CRON_JOB,
        ("", "v1", "Pod") => POD,
        ("", "v1", "Service") => SERVICE,
        ("", "v1", "ConfigMap") => CONFIG_MAP,
        ("", "v1", "Secret") => SECRET,
        ("", "v1", "ServiceAccount") => SERVICE_ACCOUNT,
        ("", "v1", "PersistentVolumeClaim") => VOLUME_CLAIM,
        ("", "v1", "Namespace") => NAMESPACE,
        ("networking.k8s.io", "v1", "Ingress") => INGRESS,
        ("networking.k8s.io" | "extensions", "v1beta1", "Ingress") => INGRESS_V1BETA1,
        ("networking.k8s.io" | "extensions", _, "NetworkPolicy") => NETWORK_POLICY,
        ("policy", _, "PodDisruptionBudget") => DISRUPTION_BUDGET,
        ("autoscaling", "v1", "HorizontalPodAutoscaler") => AUTOSCALER_V1,
        ("autoscaling", "v2" | "v2beta2", "HorizontalPodAutoscaler") => AUTOSCALER,
        ("rbac.authorization.k8s.io", _, "Role") => ROLE,
        ("rbac.authorization.k8s.io", _, "ClusterRole") => CLUSTER_ROLE,
        ("rbac.authorization.k8s.io", _, "RoleBinding" | "ClusterRoleBinding") => BINDING,
        _ => return cluster::of(group, version, kind),
    })
}

/// Tells whether a kind looks the same in two versions, so that an object printed in one can be compared with a
/// manifest in the other.
pub(super) fn same_shape(one: &str, other: &str, kind: &str) -> bool {
    let (Some(one), Some(other)) = (of(one, kind), of(other, kind)) else { return false };
    std::ptr::eq(one, other)
}

const DEPLOYMENT: Fields = &[
    section("metadata", METADATA),
    section(
        "spec",
        &[
            number("replicas", 1),
            number("revisionHistoryLimit", 10),
            number("progressDeadlineSeconds", 600),
            zero("minReadySeconds"),
            zero("paused"),
            section(
                "strategy",
                &[
                    text("type", "RollingUpdate"),
                    section("rollingUpdate", &[text("maxSurge", "25%"), text("maxUnavailable", "25%")]),
                ],
            ),
            object("template", TEMPLATE),
        ],
    ),
    ignored("status"),
];

const STATEFUL_SET: Fields = &[
    section("metadata", METADATA),
    section(
        "spec",
        &[
            number("replicas", 1),
            number("revisionHistoryLimit", 10),
            zero("minReadySeconds"),
            zero("serviceName"),
            text("podManagementPolicy", "OrderedReady"),
            section(
                "updateStrategy",
                &[
                    text("type", "RollingUpdate"),
                    section("rollingUpdate", &[number("partition", 0), number("maxUnavailable", 1)]),
                ],
            ),
            section(
                "persistentVolumeClaimRetentionPolicy",
                &[text("whenDeleted", "Retain"), text("whenScaled", "Retain")],
            ),
            list(
                "volumeClaimTemplates",
                &[
                    text("apiVersion", "v1"),
                    text("kind", "PersistentVolumeClaim"),
                    section("metadata", CLAIM_METADATA),
                    section("spec", VOLUME_CLAIM_SPEC),
                    ignored("status"),
                ],
            ),
            object("template", TEMPLATE),
        ],
    ),
    ignored("status"),
];

const DAEMON_SET: Fields = &[
    section("metadata", METADATA),
    section(
        "spec",
        &[
            number("revisionHistoryLimit", 10),
            zero("minReadySeconds"),
            section(
                "updateStrategy",
                &[
                    text("type", "RollingUpdate"),
                    section("rollingUpdate", &[number("maxSurge", 0), number("maxUnavailable", 1)]),
                ],
            ),
            object("template", TEMPLATE),
        ],
    ),
    ignored("status"),
];

const REPLICA_SET: Fields = &[
    section("metadata", METADATA),
    section("spec", &[number("replicas", 1), zero("minReadySeconds"), object("template", TEMPLATE)]),
    ignored("status"),
];

const POD: Fields = &[section("metadata", METADATA), section("spec", POD_SPEC), ignored("status")];

const JOB: Fields = &[
    section("metadata", METADATA),
    section(
        "spec",
        &[
            filled("completions", filled::is_single_completion),
            number("parallelism", 1),
            filled("backoffLimit", filled::is_backoff_limit),
            text("completionMode", "NonIndexed"),
            flag("suspend", false),
            flag("manualSelector", false),
            filled("podReplacementPolicy", filled::is_replacement_policy),
            filled("selector", filled::is_generated_selector),
            object("podFailurePolicy", FAILURE_POLICY),
            object("template", TEMPLATE),
        ],
    ),
    ignored("status"),
];

const CRON_JOB: Fields = &[
    section("metadata", METADATA),
    section(
        "spec",
        &[
            text("concurrencyPolicy", "Allow"),
            flag("suspend", false),
            number("successfulJobsHistoryLimit", 3),
            number("failedJobsHistoryLimit", 1),
            section(
                "jobTemplate",
                &[
                    section("metadata", TEMPLATE_METADATA),
                    section("spec", &[object("podFailurePolicy", FAILURE_POLICY), object("template", TEMPLATE)]),
                ],
            ),
        ],
    ),
    ignored("status"),
];

const FAILURE_POLICY: Fields = &[list("rules", &[list("onPodConditions", &[text("status", "True")])])];

const SERVICE: Fields = &[
    section("metadata", METADATA),
    section(
        "spec",
        &[
            text("type", "ClusterIP"),
            computed("clusterIP", filled::is_cluster_ip),
            filled("clusterIPs", filled::are_cluster_ips),
            allocated("ipFamilies"),
            filled("ipFamilyPolicy", filled::is_ip_family_policy),
            text("sessionAffinity", "None"),
            section("sessionAffinityConfig", &[section("clientIP", &[number("timeoutSeconds", 10800)])]),
            text("internalTrafficPolicy", "Cluster"),
            text("externalTrafficPolicy", "Cluster"),
            flag("allocateLoadBalancerNodePorts", true),
            allocated("healthCheckNodePort"),
            zero("publishNotReadyAddresses"),
            zero("loadBalancerIP"),
            zero("externalName"),
            map("selector"),
            keyed(
                "ports",
                &["port", "protocol"],
                &[
                    zero("name"),
                    text("protocol", "TCP"),
                    computed("targetPort", filled::is_own_port),
                    computed("nodePort", filled::is_node_port),
                ],
            ),
        ],
    ),
    ignored("status"),
];

const CONFIG_MAP: Fields = &[section("metadata", METADATA), map("data"), map("binaryData")];

const SECRET: Fields =
    &[section("metadata", METADATA), text("type", "Opaque"), shared("data", filled::is_token_data), map("stringData")];

const SERVICE_ACCOUNT: Fields = &[
    section("metadata", METADATA),
    shared_list("secrets", &["name"], filled::is_account_secret),
    shared_list("imagePullSecrets", &[], filled::is_account_secret),
];

const VOLUME_CLAIM: Fields = &[section("metadata", METADATA), section("spec", VOLUME_CLAIM_SPEC), ignored("status")];

const NAMESPACE: Fields = &[
    section("metadata", METADATA),
    section("spec", &[shared_list("finalizers", &[], filled::is_kubernetes)]),
    ignored("status"),
];

const INGRESS: Fields = &[
    section("metadata", METADATA),
    section(
        "spec",
        &[
            filled("ingressClassName", filled::is_ingress_class),
            object("defaultBackend", INGRESS_BACKEND),
            list("tls", &[zero("secretName")]),
            list(
                "rules",
                &[zero("host"), object("http", &[list("paths", &[zero("path"), object("backend", INGRESS_BACKEND)])])],
            ),
        ],
    ),
    ignored("status"),
];

const INGRESS_BACKEND: Fields = &[object("service", &[section("port", &[zero("name"), zero("number")])])];

const INGRESS_V1BETA1: Fields = &[
    section("metadata", METADATA),
    section(
        "spec",
        &[
            filled("ingressClassName", filled::is_ingress_class),
            list("tls", &[zero("secretName")]),
            list(
                "rules",
                &[
                    zero("host"),
                    object("http", &[list("paths", &[zero("path"), text("pathType", "ImplementationSpecific")])]),
                ],
            ),
        ],
    ),
    ignored("status"),
];

const NETWORK_POLICY: Fields = &[
    section("metadata", METADATA),
    section(
        "spec",
        &[
            filled("policyTypes", filled::are_policy_types),
            list("ingress", &[list("from", &[]), list("ports", POLICY_PORT)]),
            list("egress", &[list("to", &[]), list("ports", POLICY_PORT)]),
        ],
    ),
    ignored("status"),
];

const POLICY_PORT: Fields = &[text("protocol", "TCP")];

const DISRUPTION_BUDGET: Fields = &[section("metadata", METADATA), section("spec", &[]), ignored("status")];

const AUTOSCALER_V1: Fields = &[
    section("metadata", METADATA),
    section(
        "spec",
        &[
            number("minReplicas", 1),
            number("targetCPUUtilizationPercentage", 80),
            section("scaleTargetRef", &[zero("apiVersion")]),
        ],
    ),
    ignored("status"),
];

const AUTOSCALER: Fields = &[
    section("metadata", METADATA),
    section(
        "spec",
        &[
            number("minReplicas", 1),
            section("scaleTargetRef", &[zero("apiVersion")]),
            text("selectionStrategy", "LabelSelector"),
            set("metrics", METRIC).or(Absent::Filled(filled::is_default_metric)),
            section(
                "behavior",
                &[
                    section(
                        "scaleUp",
                        &[
                            number("stabilizationWindowSeconds", 0),
                            text("selectPolicy", "Max"),
                            filled("policies", filled::are_scale_up_policies),
                        ],
                    ),
                    section(
                        "scaleDown",
                        &[text("selectPolicy", "Max"), filled("policies", filled::are_scale_down_policies)],
                    ),
                ],
            ),
        ],
    ),
    ignored("status"),
];

const METRIC: Fields = &[
    object("resource", &[TARGET]),
    object("containerResource", &[TARGET]),
    object("pods", &[TARGET]),
    object("object", &[TARGET, section("describedObject", &[zero("apiVersion")])]),
    object("external", &[TARGET]),
];

const TARGET: Field = section("target", &[quantity("value"), quantity("averageValue")]);

const ROLE: Fields = &[section("metadata", METADATA)];

const CLUSTER_ROLE: Fields = &[section("metadata", METADATA), filled("rules", filled::are_aggregated)];

const BINDING: Fields = &[
    section("metadata", METADATA),
    section("roleRef", &[text("apiGroup", "rbac.authorization.k8s.io")]),
    list("subjects", &[zero("namespace"), computed("apiGroup", filled::is_subject_group)]),
];
