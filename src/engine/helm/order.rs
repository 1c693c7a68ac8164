//! The order in which Helm prints documents: by kind as they are installed, hooks behind everything else.
//!
//! From helm 3.17's `releaseutil`: `kind_sorter.go` and `manifest_sorter.go`.

use std::{borrow::Borrow, cmp::Ordering};

use serde_json::{Map, Value};

/// What Helm looks at of a document before it prints it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// `apiVersion`, empty where there is none.
    pub api_version: String,
    /// `kind`, empty where there is none.
    pub kind: String,
    /// What `helm.sh/hook` says.
    pub hook: Hook,
}

/// What `helm.sh/hook` says of a document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hook {
    /// Nothing: it is part of the release.
    #[default]
    None,
    /// Helm runs it at some time: it is printed behind the release.
    Known,
    /// A time that Helm does not know: the document is left out.
    Unknown,
}

/// Kinds in the order of their installation; others follow.
const INSTALL_ORDER: [&str; 36] = [
    "PriorityClass",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
];

/// The times at which Helm runs hooks.
const EVENTS: [&str; 10] = [
    "pre-install",
    "post-install",
    "pre-delete",
    "post-delete",
    "pre-upgrade",
    "post-upgrade",
    "pre-rollback",
    "post-rollback",
    "test",
    "test-success",
];

impl Head {
    /// Reads the head of a document as Go decodes it into Helm's `SimpleHead`.
    ///
    /// # Errors
    /// What Go cannot decode, in words; Helm fails with it.
    pub fn of(document: Option<&Value>) -> Result<Self, String> {
        let root = match document {
            None | Some(Value::Null) => return Ok(Self::default()),
            Some(Value::Object(root)) => root,
            Some(_) => return Err("the document is not a map".to_owned()),
        };
        let mut head = Self { api_version: text(root, "apiVersion")?, kind: text(root, "kind")?, hook: Hook::None };
        if let Some(metadata) = map(root, "metadata")? {
            text(metadata, "name")?;
            if let Some(annotations) = map(metadata, "annotations")? {
                for key in annotations.keys() {
                    text(annotations, key)?;
                }
                if annotations.contains_key("helm.sh/hook") {
                    head.hook = Hook::of(&text(annotations, "helm.sh/hook")?);
                }
            }
        }
        Ok(head)
    }
}

impl Hook {
    fn of(annotation: &str) -> Self {
        let known = |event: &str| EVENTS.contains(&event.trim().to_lowercase().as_str());
        if annotation.split(',').all(known) { Self::Known } else { Self::Unknown }
    }
}

/// Sorts documents, given in the order of their files' paths, as Helm prints them, and leaves out what it leaves out.
pub fn sort<H: Borrow<Head>, T>(documents: Vec<(H, T)>) -> Vec<(H, T)> {
    let mut documents = documents;
    documents.retain(|(head, _)| head.borrow().hook != Hook::Unknown);
    documents.sort_by(|(a, _), (b, _)| {
        let (a, b) = (a.borrow(), b.borrow());
        let (first, second) = (place(&a.kind), place(&b.kind));
        let by_kind = first
            .cmp(&second)
            .then_with(|| if first == INSTALL_ORDER.len() { a.kind.cmp(&b.kind) } else { Ordering::Equal });
        (a.hook == Hook::Known).cmp(&(b.hook == Hook::Known)).then(by_kind)
    });
    documents
}

/// A kind's place in the order of installation; unknown kinds come last.
fn place(kind: &str) -> usize {
    INSTALL_ORDER.iter().position(|known| *known == kind).unwrap_or(INSTALL_ORDER.len())
}

fn map<'v>(of: &'v Map<String, Value>, key: &str) -> Result<Option<&'v Map<String, Value>>, String> {
    match of.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(map)) => Ok(Some(map)),
        Some(_) => Err(format!("{key} is not a map")),
    }
}

/// A text field. Where Go wants a string it takes booleans and numbers for one.
fn text(of: &Map<String, Value>, key: &str) -> Result<String, String> {
    match of.get(key) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(scalar @ (Value::Bool(_) | Value::Number(_))) => Ok(scalar.to_string()),
        Some(_) => Err(format!("{key} is not a string")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sorted(documents: &[Value]) -> Vec<String> {
        let heads = documents.iter().map(|document| (Head::of(Some(document)).expect("a head"), document.clone()));
        let name = |document: &Value| document["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        sort(heads.collect()).iter().map(|(_, document)| name(document)).collect()
    }

    #[test]
    fn known_kinds_come_in_their_order_and_others_behind_them() {
        let named = |kind: &str, name: &str| json!({"kind": kind, "metadata": {"name": name}});
        let hook =
            json!({"kind": "Job", "metadata": {"name": "h", "annotations": {"helm.sh/hook": "post-install, TEST"}}});
        let odd = json!({"kind": "Job", "metadata": {"name": "o", "annotations": {"helm.sh/hook": "sometimes"}}});
        let given = [
            hook,
            odd,
            named("Zoo", "z"),
            named("Deployment", "d1"),
            named("Ant", "a"),
            named("Service", "s"),
            named("Deployment", "d2"),
            json!({"metadata": {"name": "no kind"}}),
        ];
        assert_eq!(sorted(&given), ["s", "d1", "d2", "no kind", "a", "z", "h"]);
    }

    #[test]
    fn heads_are_read_as_go_decodes_them() {
        assert_eq!(Head::of(None), Ok(Head::default()));
        assert_eq!(Head::of(Some(&json!({"kind": 5}))).map(|head| head.kind), Ok("5".to_owned()));
        for bad in [
            json!([]),
            json!("text"),
            json!({"kind": []}),
            json!({"metadata": "x"}),
            json!({"metadata": {"annotations": {"a": {}}}}),
        ] {
            assert!(Head::of(Some(&bad)).is_err(), "{bad}");
        }
    }
}
