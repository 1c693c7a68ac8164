//! Who wrote a field of a live object, as its `metadata.managedFields` say.
//!
//! The API server keeps for every client that writes, the *field manager*, which fields it was the last to write
//! (`FieldsV1` of structured-merge-diff: `f:name` is a member, `k:{…}` the list item with these keys, `v:…` the list item
//! of this value). That tells an edit by hand from a field that an autoscaler or an operator looks after, and from one
//! that the deployer itself has written and the source has changed since.

use serde_json::{Map, Value};

use crate::model::pointer::{Pointer, list_index};

/// An entry of `managedFields` that names a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writer {
    /// The field manager: `kubectl-edit`, `argocd-controller`.
    pub manager: String,
    /// The subresource that it wrote through: `scale`.
    pub subresource: Option<String>,
    /// When it wrote last, in RFC 3339.
    pub time: Option<String>,
}

/// What kind of client a field manager is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hand {
    /// A person's tool: what it wrote is drift.
    Person,
    /// What brings the source to the cluster: what it wrote and the source does not say was not applied yet, or is
    /// overridden outside of the repository.
    Deployer,
    /// Anything else, as autoscalers and operators: the field is theirs, and would be theirs again after any edit.
    Controller,
}

/// Field managers of people: the user agent up to its slash, or the name that the tool gives itself.
const PEOPLE: &[&str] = &["kubectl", "oc", "k9s", "Lens", "OpenLens", "Freelens", "Headlamp", "Mozilla", "curl"];

/// Field managers that deploy a source.
const DEPLOYERS: &[&str] = &[
    "argocd-controller",
    "argocd-application-controller",
    "kustomize-controller",
    "helm-controller",
    "flux",
    "flux-client-side-apply",
    "Helm",
    "helm",
    "helmfile",
    "Terraform",
    "HashiCorp",
    "OpenTofu",
    "pulumi-kubernetes",
    "kapp",
    "kapp-controller",
    "fleetagent",
    "werf",
    "skaffold",
];

impl Writer {
    /// What kind of client it is. `kubectl` and all its commands and plugins (`kubectl-edit`) are a person's.
    pub fn hand(&self) -> Hand {
        let name = self.manager.as_str();
        if PEOPLE.contains(&name) || name.starts_with("kubectl-") {
            Hand::Person
        } else if DEPLOYERS.contains(&name) || name.starts_with("kustomize-controller/") {
            Hand::Deployer
        } else {
            Hand::Controller
        }
    }
}

/// `kube-controller-manager (scale)`.
impl std::fmt::Display for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.subresource {
            Some(subresource) => write!(f, "{} ({subresource})", self.manager),
            None => f.write_str(&self.manager),
        }
    }
}

/// Who wrote the field at a place of the live object last, or a part of it; the latest first.
///
/// `object` is what the place leads through: the live object, or what of it is wanted. List items are told by what they
/// say, so their order does not matter. Nobody where the object says nothing of its writers.
pub fn writers(managed_fields: &Value, object: &Value, at: &Pointer) -> Vec<Writer> {
    let entries = managed_fields.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut found: Vec<Writer> = entries
        .iter()
        .filter(|entry| entry["fieldsV1"].as_object().is_some_and(|fields| names(fields, object, at.tokens())))
        .filter_map(|entry| {
            let text = |member: &str| entry[member].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
            Some(Writer { manager: text("manager")?, subresource: text("subresource"), time: text("time") })
        })
        .collect();
    found.sort_by(|a, b| b.time.cmp(&a.time));
    found
}

/// Tells whether a set of fields names the place that the tokens lead to, or holds it as part of a whole.
fn names(fields: &Map<String, Value>, object: &Value, tokens: &[String]) -> bool {
    let Some((token, rest)) = tokens.split_first() else { return true };
    if fields.keys().all(|key| key == ".") {
        // Written as a whole: an atomic map or list. A bare `.` is the place itself, without what is in it.
        return fields.is_empty();
    }
    let (below, inside) = match object {
        Value::Array(items) => {
            let Some(item) = list_index(token).and_then(|index| items.get(index)) else { return false };
            (fields.iter().find(|(key, _)| is_item(key, token, item)).map(|(_, below)| below), Some(item))
        }
        other => (fields.get(&format!("f:{token}")), other.get(token)),
    };
    below.and_then(Value::as_object).is_some_and(|below| names(below, inside.unwrap_or(&Value::Null), rest))
}

/// Tells whether a name of a set stands for an item of a list. A key that the item leaves out has its default.
fn is_item(name: &str, index: &str, item: &Value) -> bool {
    let Some((kind, text)) = name.split_once(':') else { return false };
    match kind {
        "k" => serde_json::from_str::<Map<String, Value>>(text).is_ok_and(|keys| {
            keys.iter().any(|(key, value)| item.get(key) == Some(value))
                && keys.iter().all(|(key, value)| item.get(key).is_none_or(|said| said == value))
        }),
        "v" => serde_json::from_str::<Value>(text).is_ok_and(|value| value == *item),
        "i" => text == index,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn managers(at: &str) -> Vec<String> {
        let fields = json!([
            {"manager": "argocd-controller", "operation": "Apply", "time": "2026-11-01T00:00:00Z", "fieldsType": "FieldsV1",
             "fieldsV1": {"f:spec": {"f:template": {"f:spec": {"f:containers": {
                 "k:{\"name\":\"cart\"}": {".": {}, "f:name": {}, "f:ports": {"k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}}}},
                 "k:{\"name\":\"side\"}": {".": {}, "f:name": {}, "f:image": {}}}}}}}},
            {"manager": "kubectl-edit", "operation": "Update", "time": "2026-11-02T00:00:00Z", "fieldsType": "FieldsV1",
             "fieldsV1": {"f:spec": {"f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"cart\"}": {"f:image": {}}}}}}}},
            {"manager": "kube-controller-manager", "operation": "Update", "time": "2026-11-03T00:00:00Z", "subresource": "scale",
             "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:replicas": {}, "f:atomic": {}}}},
            {"manager": "cert-operator", "fieldsV1": {"f:metadata": {"f:finalizers": {"v:\"a/b\"": {}}}}},
            {"manager": "nonsense", "fieldsV1": "f:spec"},
        ]);
        let object = json!({
            "metadata": {"finalizers": ["x", "a/b"]},
            "spec": {"replicas": 3, "atomic": {"a": 1}, "template": {"spec": {"containers": [
                {"name": "side", "image": "s:1"},
                {"name": "cart", "image": "c:2", "ports": [{"containerPort": 80}]}]}}},
        });
        let at: Pointer = at.parse().expect("a pointer");
        writers(&fields, &object, &at).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn fields_are_found_through_items_by_their_keys() {
        let table: &[(&str, &[&str])] = &[
            ("/spec/replicas", &["kube-controller-manager (scale)"]),
            ("/spec/atomic/a", &["kube-controller-manager (scale)"]),
            ("/spec/template/spec/containers/1/image", &["kubectl-edit"]),
            ("/spec/template/spec/containers/0/image", &["argocd-controller"]),
            ("/spec/template/spec/containers/1", &["kubectl-edit", "argocd-controller"]),
            ("/spec/template/spec/containers/1/ports/0/containerPort", &["argocd-controller"]),
            ("/spec/template/spec/containers/1/ports/0/hostPort", &[]),
            ("/spec/template/spec/containers/2/image", &[]),
            ("/spec/paused", &[]),
            ("/metadata/finalizers/1", &["cert-operator"]),
            ("/metadata/finalizers/0", &[]),
        ];
        for (at, expected) in table {
            assert_eq!(managers(at), *expected, "{at}");
        }
        assert!(writers(&json!("nothing"), &json!({}), &Pointer::root()).is_empty());
    }

    #[test]
    fn clients_are_told_apart_by_name() {
        let table = [
            ("kubectl", Hand::Person),
            ("kubectl-client-side-apply", Hand::Person),
            ("kubectl-edit", Hand::Person),
            ("kubectlish", Hand::Controller),
            ("argocd-controller", Hand::Deployer),
            ("helm", Hand::Deployer),
            ("kube-controller-manager", Hand::Controller),
            ("keda", Hand::Controller),
            ("vpa-updater", Hand::Controller),
            ("my-operator", Hand::Controller),
        ];
        for (manager, hand) in table {
            let writer = Writer { manager: manager.to_owned(), subresource: None, time: None };
            assert_eq!(writer.hand(), hand, "{manager}");
        }
    }
}
