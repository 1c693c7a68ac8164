//! Values that the API server fills in depending on other fields.

use serde_json::{Map, Value, json};

use super::schema::Place;

fn text<'v>(map: &'v Map<String, Value>, key: &str) -> &'v str {
    map.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Anything, in a pod: the scheduler and admission write into its spec, but into no template.
pub(super) fn is_pod(place: &Place<'_>, _: &Value) -> bool {
    place.kind() == "Pod"
}

/// `PreemptLowerPriority` in a pod, by the Priority admission.
pub(super) fn is_usual_preemption(place: &Place<'_>, live: &Value) -> bool {
    place.kind() == "Pod" && live == "PreemptLowerPriority"
}

/// True in a pod (`SetDefaults_Pod`).
pub(super) fn are_service_links(place: &Place<'_>, live: &Value) -> bool {
    place.kind() == "Pod" && *live == Value::Bool(true)
}

/// The name under its deprecated spelling, `serviceAccount`, or in a pod `default` by admission.
pub(super) fn is_account(place: &Place<'_>, live: &Value) -> bool {
    let alias = !text(place.declared, "serviceAccount").is_empty() && place.live.get("serviceAccount") == Some(live);
    alias || place.kind() == "Pod" && live == "default"
}

/// The deprecated spelling of `serviceAccountName`, which the API server prints beside it.
pub(super) fn is_account_alias(place: &Place<'_>, live: &Value) -> bool {
    place.live.get("serviceAccountName") == Some(live)
}

/// `Always` for `latest` or no tag, else `IfNotPresent` (`SetDefaults_Container`, `SetDefaults_Volume`). The live image
/// decides: a policy that was filled in for another one stays, and then the manifest has to name it.
pub(super) fn is_pull_policy(place: &Place<'_>, live: &Value) -> bool {
    let image = match text(place.live, "image") {
        "" => text(place.live, "reference"),
        image => image,
    };
    live == pull_policy(image)
}

fn pull_policy(image: &str) -> &'static str {
    if image.is_empty() {
        return "IfNotPresent";
    }
    let (named, digest) = image.split_once('@').map_or((image, None), |(named, digest)| (named, Some(digest)));
    let last = named.rsplit('/').next().unwrap_or_default();
    match (last.split_once(':'), digest) {
        (Some((_, "latest")), _) | (None, None) => "Always",
        _ => "IfNotPresent",
    }
}

/// The container's own port, with the host's network (`defaultHostNetworkPorts`).
pub(super) fn is_host_port(place: &Place<'_>, live: &Value) -> bool {
    let pod = place.above.and_then(|container| container.above);
    let host_network = pod.is_some_and(|pod| pod.live.get("hostNetwork") == Some(&Value::Bool(true)));
    host_network && place.live.get("containerPort") == Some(live)
}

/// `emptyDir: {}` where no source is declared (`SetDefaults_Volume`).
pub(super) fn is_only_source(place: &Place<'_>, live: &Value) -> bool {
    live == &json!({}) && place.declared.keys().all(|key| key == "name")
}

/// One, where a manifest says neither completions nor parallelism (`SetDefaults_Job`).
pub(super) fn is_single_completion(place: &Place<'_>, live: &Value) -> bool {
    let one = json!(1);
    let undeclared = place.declared.get("parallelism").is_none_or(Value::is_null);
    *live == one && undeclared && place.live.get("parallelism").is_none_or(|parallelism| *parallelism == one)
}

/// Six, or the largest number with a limit per index (`SetDefaults_Job`).
pub(super) fn is_backoff_limit(place: &Place<'_>, live: &Value) -> bool {
    let per_index = place.live.get("backoffLimitPerIndex").is_some();
    *live == if per_index { json!(i32::MAX) } else { json!(6) }
}

/// By whether there is a failure policy (`SetDefaults_Job`).
pub(super) fn is_replacement_policy(place: &Place<'_>, live: &Value) -> bool {
    live == if place.live.get("podFailurePolicy").is_some() { "Failed" } else { "TerminatingOrFailed" }
}

/// The selector that a Job gets unless it brings its own (`pkg/registry/batch/job/strategy.go`).
pub(super) fn is_generated_selector(place: &Place<'_>, _: &Value) -> bool {
    place.live.get("manualSelector") != Some(&Value::Bool(true))
}

/// An allocated address; `None` is a choice.
pub(super) fn is_cluster_ip(_: &Place<'_>, live: &Value) -> bool {
    live != "None"
}

/// The list form of `clusterIP`, declared or allocated.
pub(super) fn are_cluster_ips(place: &Place<'_>, live: &Value) -> bool {
    let declared = text(place.declared, "clusterIP");
    match live.get(0) {
        Some(first) if first == "None" => declared == "None" || place.live.get("clusterIP") == Some(first),
        _ => true,
    }
}

/// One family, but two for a headless service without selector (`pkg/registry/core/service/storage/alloc.go`).
pub(super) fn is_ip_family_policy(place: &Place<'_>, live: &Value) -> bool {
    let headless = text(place.live, "clusterIP") == "None" && place.live.get("selector").is_none();
    live == "SingleStack" || headless && live == "RequireDualStack"
}

/// The service port itself (`SetDefaults_Service`).
pub(super) fn is_own_port(place: &Place<'_>, live: &Value) -> bool {
    place.live.get("port") == Some(live)
}

/// An allocated port; a service that has none prints none.
pub(super) fn is_node_port(_: &Place<'_>, live: &Value) -> bool {
    live.is_number()
}

/// What the token controller writes into a service account's token.
pub(super) fn is_token_data(place: &Place<'_>, name: &str, _: &Value) -> bool {
    text(place.live, "type") == "kubernetes.io/service-account-token"
        && ["ca.crt", "namespace", "token"].contains(&name)
}

/// The secrets that clusters before 1.24 and OpenShift make for a service account.
pub(super) fn is_account_secret(place: &Place<'_>, name: &str, _: &Value) -> bool {
    let account = place.root().live.get("metadata").and_then(|metadata| metadata.get("name"));
    let rest = account.and_then(Value::as_str).and_then(|account| name.strip_prefix(account));
    rest.is_some_and(|rest| rest.starts_with("-token-") || rest.starts_with("-dockercfg-"))
}

/// The finalizer of every namespace.
pub(super) fn is_kubernetes(_: &Place<'_>, name: &str, _: &Value) -> bool {
    name == "kubernetes"
}

/// The default class, which admission fills in unless the old annotation names one.
pub(super) fn is_ingress_class(place: &Place<'_>, _: &Value) -> bool {
    let metadata = place.root().declared.get("metadata");
    let annotations = metadata.and_then(|metadata| metadata.get("annotations"));
    annotations.and_then(|annotations| annotations.get("kubernetes.io/ingress.class")).is_none()
}

/// The default storage class, which admission fills into claims but not into templates.
pub(super) fn is_claim(place: &Place<'_>, _: &Value) -> bool {
    place.kind() == "PersistentVolumeClaim"
}

/// `dataSource` and `dataSourceRef` mirror each other.
pub(super) fn is_data_source(place: &Place<'_>, live: &Value) -> bool {
    ["dataSource", "dataSourceRef"]
        .iter()
        .any(|name| place.declared.get(*name).is_some_and(|other| mirrors(other, live)))
}

fn mirrors(declared: &Value, live: &Value) -> bool {
    let get = |value: &Value, key| value.get(key).cloned().unwrap_or_default();
    ["kind", "name", "apiGroup"].iter().all(|key| {
        let (declared, live) = (get(declared, *key), get(live, *key));
        declared == live || *key == "apiGroup" && declared.is_null() && live == ""
    })
}

/// `Ingress`, and `Egress` where there are such rules (`SetDefaults_NetworkPolicy`).
pub(super) fn are_policy_types(place: &Place<'_>, live: &Value) -> bool {
    let egress = place.live.get("egress").and_then(Value::as_array).is_some_and(|rules| !rules.is_empty());
    *live == if egress { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) }
}

/// Eighty per cent of the processor (`SetDefaults_HorizontalPodAutoscaler`).
pub(super) fn is_default_metric(_: &Place<'_>, live: &Value) -> bool {
    let target = json!({"type": "Utilization", "averageUtilization": 80});
    *live == json!([{"type": "Resource", "resource": {"name": "cpu", "target": target}}])
}

/// Four pods or all of them in a quarter of a minute (`defaultHPAScaleUpRules`).
pub(super) fn are_scale_up_policies(_: &Place<'_>, live: &Value) -> bool {
    let pods = json!({"type": "Pods", "value": 4, "periodSeconds": 15});
    *live == json!([pods, {"type": "Percent", "value": 100, "periodSeconds": 15}])
}

/// All of them in a quarter of a minute (`defaultHPAScaleDownRules`).
pub(super) fn are_scale_down_policies(_: &Place<'_>, live: &Value) -> bool {
    *live == json!([{"type": "Percent", "value": 100, "periodSeconds": 15}])
}

/// The rules of an aggregated role, which its controller writes.
pub(super) fn are_aggregated(place: &Place<'_>, _: &Value) -> bool {
    place.declared.get("aggregationRule").is_some_and(|rule| !rule.is_null())
}

/// The group of users and groups (`SetDefaults_Subject`).
pub(super) fn is_subject_group(place: &Place<'_>, live: &Value) -> bool {
    live == "rbac.authorization.k8s.io" && matches!(text(place.live, "kind"), "User" | "Group")
}

/// The maximum, where a container's default limit is undeclared (`SetDefaults_LimitRangeItem`).
pub(super) fn is_limit(place: &Place<'_>, name: &str, live: &Value) -> bool {
    is_container_limit(place) && amount(place, "max", name) == Some(live)
}

/// The default limit, else the minimum, where a container's default request is undeclared.
pub(super) fn is_request(place: &Place<'_>, name: &str, live: &Value) -> bool {
    is_container_limit(place) && amount(place, "default", name).or_else(|| amount(place, "min", name)) == Some(live)
}

fn is_container_limit(place: &Place<'_>) -> bool {
    text(place.live, "type") == "Container"
}

fn amount<'v>(place: &Place<'v>, list: &str, name: &str) -> Option<&'v Value> {
    place.live.get(list)?.get(name)
}

/// The labels of the template (`SetDefaults_ReplicationController`).
pub(super) fn is_template_selector(place: &Place<'_>, live: &Value) -> bool {
    let metadata = place.live.get("template").and_then(|template| template.get("metadata"));
    metadata.and_then(|metadata| metadata.get("labels")) == Some(live)
}

/// `[Persistent]` (`SetDefaults_CSIDriver`).
pub(super) fn is_persistent(_: &Place<'_>, live: &Value) -> bool {
    *live == json!(["Persistent"])
}

/// The kind and `List` (`SetDefaults_CustomResourceDefinitionSpec`).
pub(super) fn is_list_kind(place: &Place<'_>, live: &Value) -> bool {
    live.as_str().and_then(|live| live.strip_suffix("List")) == Some(text(place.live, "kind"))
}

/// The kind in lower case, likewise.
pub(super) fn is_singular(place: &Place<'_>, live: &Value) -> bool {
    *live == Value::String(text(place.live, "kind").to_lowercase())
}
