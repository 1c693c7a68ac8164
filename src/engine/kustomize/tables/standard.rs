//! Kustomize's own tables.
//!
//! Reference: `api/internal/konfig/builtinpluginconsts` of Kustomize 5.5.0. Its lists repeat the fields of a pod for every kind
//! that has one; here a kind says where its pod is, and a field where it is in the pod.

use super::{BackReferences, Tables, sort_key, sort_specs};
use crate::engine::kustomize::{field_spec::FieldSpec, identity::Gvk};

/// A kind: group, version and name, `""` where they do not matter.
type Kind = (&'static str, &'static str, &'static str);

/// A field of a kind: group, kind and path.
type Field = (&'static str, &'static str, &'static str);

/// The kinds whose pods name configuration and secrets, and where their pods are.
const PODS: [(Kind, &str); 8] = [
    (("", "v1", "Pod"), "spec"),
    (("", "", "PodTemplate"), "template/spec"),
    (("", "", "Deployment"), "spec/template/spec"),
    (("", "", "ReplicaSet"), "spec/template/spec"),
    (("", "", "DaemonSet"), "spec/template/spec"),
    (("", "", "StatefulSet"), "spec/template/spec"),
    (("", "", "Job"), "spec/template/spec"),
    (("", "", "CronJob"), "spec/jobTemplate/spec/template/spec"),
];

/// The kinds whose pods name accounts, claims and priorities, and where their pods are.
const WORKLOADS: [(Kind, &str); 7] = [
    (("", "", "Pod"), "spec"),
    (("", "", "StatefulSet"), "spec/template/spec"),
    (("", "", "Deployment"), "spec/template/spec"),
    (("", "", "ReplicationController"), "spec/template/spec"),
    (("", "", "CronJob"), "spec/jobTemplate/spec/template/spec"),
    (("", "", "Job"), "spec/template/spec"),
    (("", "", "DaemonSet"), "spec/template/spec"),
];

const CONFIG_MAP_IN_POD: [&str; 6] = [
    "volumes/configMap/name",
    "containers/env/valueFrom/configMapKeyRef/name",
    "initContainers/env/valueFrom/configMapKeyRef/name",
    "containers/envFrom/configMapRef/name",
    "initContainers/envFrom/configMapRef/name",
    "volumes/projected/sources/configMap/name",
];

const CONFIG_MAP: [Field; 4] = [
    ("", "Node", "spec/configSource/configMap"),
    ("", "Role", "rules/resourceNames"),
    ("", "ClusterRole", "rules/resourceNames"),
    ("", "Ingress", r"metadata/annotations/nginx.ingress.kubernetes.io\/fastcgi-params-configmap"),
];

const SECRET_IN_POD: [&str; 7] = [
    "volumes/secret/secretName",
    "containers/env/valueFrom/secretKeyRef/name",
    "initContainers/env/valueFrom/secretKeyRef/name",
    "containers/envFrom/secretRef/name",
    "initContainers/envFrom/secretRef/name",
    "imagePullSecrets/name",
    "volumes/projected/sources/secret/name",
];

const SECRET: [Field; 12] = [
    ("", "Ingress", "spec/tls/secretName"),
    ("", "Ingress", r"metadata/annotations/ingress.kubernetes.io\/auth-secret"),
    ("", "Ingress", r"metadata/annotations/nginx.ingress.kubernetes.io\/auth-secret"),
    ("", "Ingress", r"metadata/annotations/nginx.ingress.kubernetes.io\/auth-tls-secret"),
    ("", "ServiceAccount", "imagePullSecrets/name"),
    ("", "StorageClass", "parameters/secretName"),
    ("", "StorageClass", "parameters/adminSecretName"),
    ("", "StorageClass", "parameters/userSecretName"),
    ("", "StorageClass", "parameters/secretRef"),
    ("", "Role", "rules/resourceNames"),
    ("", "ClusterRole", "rules/resourceNames"),
    ("", "PersistentVolume", "spec/azureFile/secretName"),
];

const RBAC: &str = "rbac.authorization.k8s.io";

const ADMISSION: &str = "admissionregistration.k8s.io";

/// The fields that name objects of a kind, outside of pods.
const REFERENCES: [(Kind, &[Field]); 11] = [
    (("", "", "Deployment"), &[("", "HorizontalPodAutoscaler", "spec/scaleTargetRef/name")]),
    (("", "", "ReplicationController"), &[("", "HorizontalPodAutoscaler", "spec/scaleTargetRef/name")]),
    (("", "", "ReplicaSet"), &[("", "HorizontalPodAutoscaler", "spec/scaleTargetRef/name")]),
    (("", "", "StatefulSet"), &[("", "HorizontalPodAutoscaler", "spec/scaleTargetRef/name")]),
    (
        ("", "v1", "Service"),
        &[
            ("apps", "StatefulSet", "spec/serviceName"),
            ("", "Ingress", "spec/rules/http/paths/backend/serviceName"),
            ("", "Ingress", "spec/backend/serviceName"),
            ("", "Ingress", "spec/rules/http/paths/backend/service/name"),
            ("", "Ingress", "spec/defaultBackend/service/name"),
            ("apiregistration.k8s.io", "APIService", "spec/service/name"),
            (ADMISSION, "ValidatingWebhookConfiguration", "webhooks/clientConfig/service"),
            (ADMISSION, "MutatingWebhookConfiguration", "webhooks/clientConfig/service"),
        ],
    ),
    ((RBAC, "", "Role"), &[(RBAC, "RoleBinding", "roleRef/name")]),
    ((RBAC, "", "ClusterRole"), &[(RBAC, "RoleBinding", "roleRef/name"), (RBAC, "ClusterRoleBinding", "roleRef/name")]),
    (
        ("", "v1", "PersistentVolume"),
        &[("", "PersistentVolumeClaim", "spec/volumeName"), ("", "ClusterRole", "rules/resourceNames")],
    ),
    (
        ("storage.k8s.io", "v1", "StorageClass"),
        &[
            ("", "PersistentVolume", "spec/storageClassName"),
            ("", "PersistentVolumeClaim", "spec/storageClassName"),
            ("", "StatefulSet", "spec/volumeClaimTemplates/spec/storageClassName"),
        ],
    ),
    // The group is one that no object has, so nothing is ever found by it.
    (("networking.k8s.io/v1", "v1", "IngressClass"), &[("", "Ingress", "spec/ingressClassName")]),
    (
        (ADMISSION, "", "ValidatingAdmissionPolicy"),
        &[(ADMISSION, "ValidatingAdmissionPolicyBinding", "spec/policyName")],
    ),
];

/// The labels of an object and its templates, which are made where they are not there.
const METADATA_LABELS: [(Kind, &str); 10] = [
    (("", "", ""), "metadata/labels"),
    (("", "v1", "ReplicationController"), "spec/template/metadata/labels"),
    (("", "", "Deployment"), "spec/template/metadata/labels"),
    (("", "", "ReplicaSet"), "spec/template/metadata/labels"),
    (("", "", "DaemonSet"), "spec/template/metadata/labels"),
    (("apps", "", "StatefulSet"), "spec/template/metadata/labels"),
    (("apps", "", "StatefulSet"), "spec/volumeClaimTemplates[]/metadata/labels"),
    (("batch", "", "Job"), "spec/template/metadata/labels"),
    (("batch", "", "CronJob"), "spec/jobTemplate/metadata/labels"),
    (("batch", "", "CronJob"), "spec/jobTemplate/spec/template/metadata/labels"),
];

/// The selectors that are made where they are not there.
const SELECTORS: [(Kind, &str); 6] = [
    (("", "v1", "Service"), "spec/selector"),
    (("", "v1", "ReplicationController"), "spec/selector"),
    (("", "", "Deployment"), "spec/selector/matchLabels"),
    (("", "", "ReplicaSet"), "spec/selector/matchLabels"),
    (("", "", "DaemonSet"), "spec/selector/matchLabels"),
    (("apps", "", "StatefulSet"), "spec/selector/matchLabels"),
];

/// The selectors that are left alone where they are not there.
const PRESENT_SELECTORS: [(Kind, &str); 6] = [
    (("batch", "", "Job"), "spec/selector/matchLabels"),
    (("batch", "", "CronJob"), "spec/jobTemplate/spec/selector/matchLabels"),
    (("policy", "", "PodDisruptionBudget"), "spec/selector/matchLabels"),
    (("networking.k8s.io", "", "NetworkPolicy"), "spec/podSelector/matchLabels"),
    (("networking.k8s.io", "", "NetworkPolicy"), "spec/ingress/from/podSelector/matchLabels"),
    (("networking.k8s.io", "", "NetworkPolicy"), "spec/egress/to/podSelector/matchLabels"),
];

/// The selectors in the pods of the group apps' Deployments and StatefulSets, which are left alone where they are not there.
const SELECTORS_IN_POD: [&str; 5] = [
    "affinity/podAffinity/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels",
    "affinity/podAffinity/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels",
    "affinity/podAntiAffinity/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels",
    "affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels",
    "topologySpreadConstraints/labelSelector/matchLabels",
];

const ANNOTATIONS: [(Kind, &str); 9] = [
    (("", "", ""), "metadata/annotations"),
    (("", "v1", "ReplicationController"), "spec/template/metadata/annotations"),
    (("", "", "Deployment"), "spec/template/metadata/annotations"),
    (("", "", "ReplicaSet"), "spec/template/metadata/annotations"),
    (("", "", "DaemonSet"), "spec/template/metadata/annotations"),
    (("", "", "StatefulSet"), "spec/template/metadata/annotations"),
    (("batch", "", "Job"), "spec/template/metadata/annotations"),
    (("batch", "", "CronJob"), "spec/jobTemplate/metadata/annotations"),
    (("batch", "", "CronJob"), "spec/jobTemplate/spec/template/metadata/annotations"),
];

const IMAGES: [&str; 4] = [
    "spec/containers[]/image",
    "spec/initContainers[]/image",
    "spec/template/spec/containers[]/image",
    "spec/template/spec/initContainers[]/image",
];

const REPLICAS: [&str; 4] = ["Deployment", "ReplicationController", "ReplicaSet", "StatefulSet"];

/// The fields of a pod in which variables stand.
const VARIABLES_IN_POD: [&str; 8] = [
    "containers/args",
    "containers/command",
    "containers/env/value",
    "containers/volumeMounts/mountPath",
    "initContainers/args",
    "initContainers/command",
    "initContainers/env/value",
    "initContainers/volumeMounts/mountPath",
];

/// The kinds in whose pods variables stand, where their pods are, and where Kustomize looks for their NFS servers.
const VARIABLE_PODS: [(&str, &str, &str); 7] = [
    ("CronJob", "spec/jobTemplate/spec/template/spec", "spec/jobTemplate/spec/template/volumes/nfs/server"),
    ("DaemonSet", "spec/template/spec", "spec/template/spec/volumes/nfs/server"),
    ("Deployment", "spec/template/spec", "spec/template/spec/volumes/nfs/server"),
    ("Job", "spec/template/spec", "spec/template/spec/volumes/nfs/server"),
    ("Pod", "spec", "spec/volumes/nfs/server"),
    ("ReplicaSet", "spec/template/spec", "spec/template/spec/volumes/nfs/server"),
    ("StatefulSet", "spec/template/spec", "spec/volumeClaimTemplates/spec/nfs/server"),
];

/// The other fields in which variables stand.
const VARIABLES: [Field; 9] = [
    ("", "Deployment", "spec/template/metadata/annotations"),
    ("", "Ingress", "spec/rules/host"),
    ("", "Ingress", "spec/tls/hosts"),
    ("", "Ingress", "spec/tls/secretName"),
    ("", "Service", "spec/ports/port"),
    ("", "Service", "spec/ports/targetPort"),
    ("", "PersistentVolume", "spec/nfs/server"),
    ("", "", "metadata/labels"),
    ("", "", "metadata/annotations"),
];

/// All of them, sorted as Kustomize sorts them.
pub fn tables() -> Tables {
    let metadata_labels = || METADATA_LABELS.iter().map(|(kind, path)| spec(*kind, *path, true));
    let mut common_labels: Vec<FieldSpec> = SELECTORS.iter().map(|(kind, path)| spec(*kind, *path, true)).collect();
    common_labels.extend(PRESENT_SELECTORS.iter().map(|(kind, path)| spec(*kind, *path, false)));
    for kind in ["Deployment", "StatefulSet"] {
        let in_pod = |path: &&str| spec(("apps", "", kind), format!("spec/template/spec/{path}"), false);
        common_labels.extend(SELECTORS_IN_POD.iter().map(in_pod));
    }
    common_labels.extend(metadata_labels());
    let mut tables = Tables {
        name_prefix: vec![spec(("", "", ""), "metadata/name", false)],
        name_suffix: vec![spec(("", "", ""), "metadata/name", false)],
        namespace: vec![
            spec(("", "", "Namespace"), "metadata/name", true),
            spec(("apiregistration.k8s.io", "", "APIService"), "spec/service/namespace", true),
            spec(
                ("apiextensions.k8s.io", "", "CustomResourceDefinition"),
                "spec/conversion/webhook/clientConfig/service/namespace",
                false,
            ),
        ],
        common_labels,
        labels: Vec::new(),
        template_labels: metadata_labels().collect(),
        common_annotations: ANNOTATIONS.iter().map(|(kind, path)| spec(*kind, *path, true)).collect(),
        name_reference: references(),
        var_reference: variables(),
        images: IMAGES.iter().map(|path| spec(("", "", ""), *path, true)).collect(),
        replicas: REPLICAS.iter().map(|kind| spec(("", "", kind), "spec/replicas", true)).collect(),
    };
    for specs in [
        &mut tables.namespace,
        &mut tables.common_labels,
        &mut tables.template_labels,
        &mut tables.common_annotations,
        &mut tables.var_reference,
        &mut tables.replicas,
    ] {
        sort_specs(specs);
    }
    tables.name_reference.sort_by_cached_key(|references| sort_key(&references.gvk));
    tables
}

fn references() -> Vec<BackReferences> {
    let in_pods = |pods: &[(Kind, &str)], paths: &[&str]| -> Vec<FieldSpec> {
        let of = |(kind, pod): &(Kind, &str)| {
            paths.iter().map(|path| spec(*kind, format!("{pod}/{path}"), false)).collect::<Vec<_>>()
        };
        pods.iter().flat_map(of).collect()
    };
    let of = |kind: Kind, specs: Vec<FieldSpec>| BackReferences { gvk: gvk(kind), specs };
    let mut config_maps = in_pods(&PODS, &CONFIG_MAP_IN_POD);
    config_maps.extend(CONFIG_MAP.iter().map(|field| field_spec(*field)));
    let mut secrets = in_pods(&PODS, &SECRET_IN_POD);
    secrets.extend(SECRET.iter().map(|field| field_spec(*field)));
    secrets.push(spec(
        ("serving.knative.dev", "v1", "Service"),
        "spec/template/spec/containers/env/valueFrom/secretKeyRef/name",
        false,
    ));
    let mut accounts: Vec<FieldSpec> =
        ["RoleBinding", "ClusterRoleBinding"].iter().map(|kind| spec((RBAC, "", kind), "subjects", false)).collect();
    accounts.extend(in_pods(&WORKLOADS, &["serviceAccountName"]));
    let mut all: Vec<BackReferences> = REFERENCES
        .iter()
        .map(|(kind, fields)| of(*kind, fields.iter().map(|field| field_spec(*field)).collect()))
        .collect();
    all.push(of(("", "v1", "ConfigMap"), config_maps));
    all.push(of(("", "v1", "Secret"), secrets));
    all.push(of(("", "v1", "ServiceAccount"), accounts));
    let claims = in_pods(&WORKLOADS, &["volumes/persistentVolumeClaim/claimName"]);
    all.push(of(("", "v1", "PersistentVolumeClaim"), claims));
    let priorities = in_pods(&WORKLOADS, &["priorityClassName"]);
    all.push(of(("scheduling.k8s.io", "v1", "PriorityClass"), priorities));
    all
}

fn variables() -> Vec<FieldSpec> {
    let mut all = Vec::new();
    for (kind, pod, server) in VARIABLE_PODS {
        all.extend(VARIABLES_IN_POD.iter().map(|path| spec(("", "", kind), format!("{pod}/{path}"), false)));
        all.push(spec(("", "", kind), server, false));
    }
    all.extend(VARIABLES.iter().map(|field| field_spec(*field)));
    all
}

fn field_spec((group, kind, path): Field) -> FieldSpec {
    spec((group, "", kind), path, false)
}

fn spec(kind: Kind, path: impl Into<String>, create: bool) -> FieldSpec {
    FieldSpec { gvk: gvk(kind), path: path.into(), create }
}

fn gvk((group, version, kind): Kind) -> Gvk {
    Gvk { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_fields_as_in_kustomize() {
        let tables = tables();
        let references: Vec<(&str, usize)> = tables
            .name_reference
            .iter()
            .map(|references| (references.gvk.kind.as_str(), references.specs.len()))
            .collect();
        assert_eq!(
            references,
            [
                ("StorageClass", 3),
                ("ServiceAccount", 9),
                ("Role", 1),
                ("ClusterRole", 2),
                ("ConfigMap", 52),
                ("Secret", 69),
                ("Service", 8),
                ("PriorityClass", 7),
                ("PersistentVolume", 2),
                ("PersistentVolumeClaim", 7),
                ("Deployment", 1),
                ("StatefulSet", 1),
                ("ValidatingAdmissionPolicy", 1),
                ("IngressClass", 1),
                ("ReplicaSet", 1),
                ("ReplicationController", 1),
            ]
        );
        let counts = [
            tables.namespace.len(),
            tables.common_labels.len(),
            tables.template_labels.len(),
            tables.common_annotations.len(),
            tables.var_reference.len(),
            tables.images.len(),
            tables.replicas.len(),
        ];
        assert_eq!(counts, [3, 32, 10, 9, 72, 4, 4]);
    }
}
