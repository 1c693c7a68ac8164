//! What the cluster and deployers write into any object's metadata.

use serde_json::{Map, Value};

use super::schema::{Absent, Field, Fields, Place, computed, ignored, keyed, map, shared, shared_list, zero};

/// The metadata of a whole object.
pub(super) const METADATA: Fields = &[
    ignored("uid"),
    ignored("resourceVersion"),
    ignored("generation"),
    ignored("creationTimestamp"),
    ignored("deletionTimestamp"),
    ignored("deletionGracePeriodSeconds"),
    ignored("selfLink"),
    ignored("managedFields"),
    ignored("clusterName"),
    zero("generateName"),
    computed("namespace", is_context),
    OWNERS,
    shared("annotations", is_foreign_annotation),
    shared("labels", is_foreign_label),
    shared_list("finalizers", &[], is_foreign_finalizer),
];

/// The metadata of a pod template or claim template.
pub(super) const TEMPLATE_METADATA: Fields = &[
    ignored("creationTimestamp"),
    zero("namespace"),
    OWNERS,
    shared("annotations", is_rollout_mark),
    shared("labels", is_job_label),
];

/// The metadata of a claim template, into which nobody writes.
pub(super) const CLAIM_METADATA: Fields = &[ignored("creationTimestamp"), OWNERS, map("annotations"), map("labels")];

const OWNERS: Field = keyed("ownerReferences", &["uid"], &[]).or(Absent::Allocated);

/// Annotations that are not the manifest's. A slash or dot at the end stands for all names that begin so.
const ANNOTATIONS: &[&str] = &[
    // kubectl and the controllers of kube-controller-manager
    "kubectl.kubernetes.io/last-applied-configuration",
    "deployment.kubernetes.io/",
    "deprecated.daemonset.template.generation",
    "deprecated.deployment.rollback.to",
    "autoscaling.alpha.kubernetes.io/conditions",
    "autoscaling.alpha.kubernetes.io/current-metrics",
    "batch.kubernetes.io/job-tracking",
    "batch.kubernetes.io/cronjob-scheduled-timestamp",
    "cronjob.kubernetes.io/instantiate",
    "control-plane.alpha.kubernetes.io/",
    "endpoints.kubernetes.io/",
    "pv.kubernetes.io/",
    "volume.kubernetes.io/selected-node",
    "volume.kubernetes.io/storage-provisioner",
    "volume.beta.kubernetes.io/storage-provisioner",
    "kubernetes.io/service-account.uid",
    "kubernetes.io/limit-ranger",
    "kubernetes.io/psp",
    // deployers
    "meta.helm.sh/",
    "argocd.argoproj.io/tracking-id",
    "argocd.argoproj.io/installation-id",
    "kapp.k14s.io/",
    "objectset.rio.cattle.io/",
    // network plug-ins and cloud controllers, which report status in annotations
    "cni.projectcalico.org/",
    "k8s.v1.cni.cncf.io/network-status",
    "k8s.v1.cni.cncf.io/networks-status",
    "k8s.ovn.org/",
    "cloud.google.com/neg-status",
    "ingress.kubernetes.io/backends",
    "ingress.kubernetes.io/forwarding-rule",
    "ingress.kubernetes.io/https-forwarding-rule",
    "ingress.kubernetes.io/https-target-proxy",
    "ingress.kubernetes.io/ssl-cert",
    "ingress.kubernetes.io/target-proxy",
    "ingress.kubernetes.io/url-map",
    "field.cattle.io/",
    "lifecycle.cattle.io/",
    "cattle.io/status",
    "openshift.io/sa.scc.",
];

/// Annotations of pod templates with which tools start pods anew: no change of configuration.
const RESTARTS: &[&str] = &[
    "kubectl.kubernetes.io/restartedAt",
    "openshift.openshift.io/restartedAt",
    "reloader.stakater.com/last-reloaded-from",
    "cattle.io/timestamp",
];

/// Labels that deployers and cloud controllers write, likewise.
const LABELS: &[&str] = &[
    "argocd.argoproj.io/instance",
    "app.kubernetes.io/instance",
    "kustomize.toolkit.fluxcd.io/",
    "helm.toolkit.fluxcd.io/",
    "kapp.k14s.io/",
    "objectset.rio.cattle.io/",
    "field.cattle.io/",
    "service.beta.kubernetes.io/hash",
];

/// Finalizers that controllers add to what they look after.
const FINALIZERS: &[&str] = &[
    "kubernetes.io/pvc-protection",
    "kubernetes.io/pv-protection",
    "service.kubernetes.io/load-balancer-cleanup",
    "batch.kubernetes.io/job-tracking",
    "customresourcecleanup.apiextensions.k8s.io",
    "external-attacher/",
    "external-provisioner.volume.kubernetes.io/finalizer",
    "foregroundDeletion",
    "orphan",
    // cloud controllers and Rancher
    "controller.cattle.io/",
    "group.ingress.k8s.aws/",
    "ingress.k8s.aws/",
    "service.k8s.aws/",
    "service.k8s.alibaba/",
    "networking.gke.io/",
];

/// The labels that a Job's pods get (`pkg/registry/batch/job/strategy.go`).
const JOB_LABELS: &[&str] =
    &["controller-uid", "job-name", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name"];

/// The namespace, where the manifest leaves it to the deployer.
fn is_context(_: &Place<'_>, _: &Value) -> bool {
    true
}

fn is_foreign_annotation(_: &Place<'_>, name: &str, _: &Value) -> bool {
    is_listed(ANNOTATIONS, name)
}

fn is_foreign_label(place: &Place<'_>, name: &str, value: &Value) -> bool {
    let object_name = place.root().live.get("metadata").and_then(|metadata| metadata.get("name"));
    match (place.kind(), name) {
        ("Namespace", "kubernetes.io/metadata.name") => Some(value) == object_name,
        ("Job" | "ReplicationController", name) if is_template_label(place, name, value) => true,
        (_, "app.kubernetes.io/managed-by") => value == "Helm",
        (_, name) => is_listed(LABELS, name),
    }
}

/// A Job or ReplicationController without labels gets those of its pods (`SetDefaults_Job`), the generated ones too.
fn is_template_label(place: &Place<'_>, name: &str, value: &Value) -> bool {
    let template = place.root().live.get("spec").and_then(|spec| spec.get("template"));
    let of_pods = template.and_then(|template| template.get("metadata")?.get("labels"));
    let is_inherited = |(name, value): (&String, &Value)| {
        JOB_LABELS.contains(&name.as_str()) || of_pods.and_then(|labels| labels.get(name)) == Some(value)
    };
    let declared = place.declared.get("labels").and_then(Value::as_object);
    let live = place.live.get("labels").and_then(Value::as_object);
    declared.is_none_or(Map::is_empty)
        && live.is_none_or(|live| live.iter().filter(|(name, _)| !is_listed(LABELS, name)).all(is_inherited))
        && is_inherited((&name.to_owned(), value))
}

fn is_foreign_finalizer(_: &Place<'_>, name: &str, _: &Value) -> bool {
    is_listed(FINALIZERS, name)
}

fn is_rollout_mark(_: &Place<'_>, name: &str, _: &Value) -> bool {
    is_listed(RESTARTS, name)
}

fn is_job_label(place: &Place<'_>, name: &str, _: &Value) -> bool {
    let spec = place.root().live.get("spec");
    let manual = spec.and_then(|spec| spec.get("manualSelector")) == Some(&Value::Bool(true));
    place.kind() == "Job" && !manual && JOB_LABELS.contains(&name)
}

fn is_listed(list: &[&str], name: &str) -> bool {
    list.iter().any(|listed| *listed == name || listed.ends_with(['/', '.']) && name.starts_with(listed))
}
