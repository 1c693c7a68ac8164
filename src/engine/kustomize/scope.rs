//! Which kinds exist once for the whole cluster.
//!
//! Kustomize asks the API description that is built into it (Kubernetes 1.21). A kind that is not in it, every custom one among
//! them, counts as namespaced.

use super::identity::Gvk;

/// The `apiVersion`s and kinds of `openapi.precomputedIsNamespaceScoped` that are not namespaced, sorted.
const CLUSTER_WIDE: &[(&str, &str)] = &[
    ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"),
    ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
    ("admissionregistration.k8s.io/v1beta1", "MutatingWebhookConfiguration"),
    ("admissionregistration.k8s.io/v1beta1", "ValidatingWebhookConfiguration"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    ("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition"),
    ("apiregistration.k8s.io/v1", "APIService"),
    ("apiregistration.k8s.io/v1beta1", "APIService"),
    ("certificates.k8s.io/v1", "CertificateSigningRequest"),
    ("certificates.k8s.io/v1beta1", "CertificateSigningRequest"),
    ("flowcontrol.apiserver.k8s.io/v1beta1", "FlowSchema"),
    ("flowcontrol.apiserver.k8s.io/v1beta1", "PriorityLevelConfiguration"),
    ("networking.k8s.io/v1", "IngressClass"),
    ("networking.k8s.io/v1beta1", "IngressClass"),
    ("node.k8s.io/v1", "RuntimeClass"),
    ("node.k8s.io/v1beta1", "RuntimeClass"),
    ("policy/v1beta1", "PodSecurityPolicy"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
    ("rbac.authorization.k8s.io/v1beta1", "ClusterRole"),
    ("rbac.authorization.k8s.io/v1beta1", "ClusterRoleBinding"),
    ("scheduling.k8s.io/v1", "PriorityClass"),
    ("scheduling.k8s.io/v1beta1", "PriorityClass"),
    ("storage.k8s.io/v1", "CSIDriver"),
    ("storage.k8s.io/v1", "CSINode"),
    ("storage.k8s.io/v1", "StorageClass"),
    ("storage.k8s.io/v1", "VolumeAttachment"),
    ("storage.k8s.io/v1beta1", "CSIDriver"),
    ("storage.k8s.io/v1beta1", "CSINode"),
    ("storage.k8s.io/v1beta1", "StorageClass"),
    ("storage.k8s.io/v1beta1", "VolumeAttachment"),
    ("v1", "ComponentStatus"),
    ("v1", "Namespace"),
    ("v1", "Node"),
    ("v1", "NodeProxyOptions"),
    ("v1", "PersistentVolume"),
];

/// Tells whether a kind is known to exist once for the whole cluster (`openapi.IsCertainlyClusterScoped`).
pub fn is_cluster_wide(gvk: &Gvk) -> bool {
    CLUSTER_WIDE.binary_search(&(gvk.api_version().as_str(), gvk.kind.as_str())).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn custom_kinds_count_as_namespaced() {
        assert!(CLUSTER_WIDE.is_sorted());
        let cases = [
            ("v1", "Namespace", true),
            ("v1", "ConfigMap", false),
            ("rbac.authorization.k8s.io/v1", "ClusterRole", true),
            ("cert-manager.io/v1", "ClusterIssuer", false),
        ];
        for (api_version, kind, expected) in cases {
            assert_eq!(is_cluster_wide(&Gvk::of(api_version, kind)), expected, "{kind}");
        }
    }
}
