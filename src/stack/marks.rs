//! What a live object says of who deploys it, in the labels and annotations of Argo CD, Flux and Helm.

use serde_json::Value;

use super::{Stack, description::How};
use crate::{
    engine::Declaration,
    model::resource::{KubernetesId, ResourceId},
};

/// What a live object says of who deploys it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// The names of Argo CD applications, each with its namespace where that is said.
    applications: Vec<(Option<String>, String)>,
    /// The Flux `Kustomization`, by namespace and name.
    kustomization: Option<(String, String)>,
    /// The Flux `HelmRelease`, by namespace and name.
    helm_release: Option<(String, String)>,
    /// The Helm release, by namespace and name.
    release: Option<(String, String)>,
}

impl Marks {
    /// What an object says.
    pub fn of(live: &Value) -> Self {
        let said = |map: &str, key: &str| {
            let text = live.get("metadata")?.get(map)?.get(key)?.as_str()?;
            (!text.is_empty()).then(|| text.to_owned())
        };
        let pair = |map: &str, prefix: &str| {
            let namespace = said(map, &format!("{prefix}namespace"))?;
            Some((namespace, said(map, &format!("{prefix}name"))?))
        };
        let mut applications = Vec::new();
        // `app:group/kind:namespace/name`, or with the application's namespace `namespace_app:…`.
        let tracked = said("annotations", "argocd.argoproj.io/tracking-id");
        applications.extend(tracked.and_then(|id| id.split(':').next().map(named)));
        if applications.is_empty() {
            let labels = ["argocd.argoproj.io/instance", "app.kubernetes.io/instance"];
            applications.extend(labels.iter().find_map(|label| said("labels", label)).map(|name| named(&name)));
        }
        Self {
            applications,
            kustomization: pair("labels", "kustomize.toolkit.fluxcd.io/"),
            helm_release: pair("labels", "helm.toolkit.fluxcd.io/"),
            release: pair("annotations", "meta.helm.sh/release-"),
        }
    }

    /// The same, with what a sender knows: the name of an application, or of a Flux object with its namespace.
    #[must_use]
    pub fn or(mut self, app: Option<&str>) -> Self {
        let Some(app) = app else { return self };
        match app.split_once('/') {
            Some((namespace, name)) => {
                let pair = (namespace.to_owned(), name.to_owned());
                self.applications.push((Some(pair.0.clone()), pair.1.clone()));
                self.kustomization.get_or_insert(pair.clone());
                self.helm_release.get_or_insert(pair);
            }
            None => self.applications.push((None, app.to_owned())),
        }
        self
    }

    /// Tells whether a stack is one that is meant.
    pub fn mean(&self, stack: &Stack) -> bool {
        if let Declaration::Helm(installation) = &stack.declaration
            && let Some((namespace, name)) = &self.release
            && installation.release.name == *name
            && (installation.release.namespace == *namespace || stack.described.is_none())
        {
            return true;
        }
        let Some(described) = &stack.described else { return false };
        let ResourceId::Kubernetes(id) = &described.object.id else { return false };
        let is = |pair: &Option<(String, String)>| {
            pair.as_ref().is_some_and(|(namespace, name)| {
                *name == id.name && id.namespace.as_ref().is_none_or(|own| own == namespace)
            })
        };
        match described.how {
            How::Application(_) => self.applications.iter().any(|(namespace, name)| is_named(id, namespace, name)),
            How::ApplicationSet => false,
            How::Kustomization => is(&self.kustomization),
            How::HelmRelease => is(&self.helm_release),
        }
    }
}

fn named(text: &str) -> (Option<String>, String) {
    match text.split_once('_') {
        Some((namespace, name)) => (Some(namespace.to_owned()), name.to_owned()),
        None => (None, text.to_owned()),
    }
}

fn is_named(id: &KubernetesId, namespace: &Option<String>, name: &str) -> bool {
    let is_near = match (namespace, &id.namespace) {
        (Some(asked), Some(own)) => asked == own,
        _ => true,
    };
    is_near && id.name == name
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_marks_of_each_tool_are_read() {
        let cases = [
            (
                json!({"annotations": {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:web/cart"}}),
                Marks { applications: vec![(None, "shop".to_owned())], ..Marks::default() },
            ),
            (
                json!({"annotations": {"argocd.argoproj.io/tracking-id": "team_shop:apps/Deployment:web/cart"}}),
                Marks { applications: vec![(Some("team".to_owned()), "shop".to_owned())], ..Marks::default() },
            ),
            (
                json!({"labels": {"app.kubernetes.io/instance": "shop"}}),
                Marks { applications: vec![(None, "shop".to_owned())], ..Marks::default() },
            ),
            (
                json!({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}}),
                Marks { kustomization: Some(("flux-system".to_owned(), "apps".to_owned())), ..Marks::default() },
            ),
            (
                json!({"annotations": {"meta.helm.sh/release-name": "r", "meta.helm.sh/release-namespace": "n"}}),
                Marks { release: Some(("n".to_owned(), "r".to_owned())), ..Marks::default() },
            ),
            (json!({}), Marks::default()),
        ];
        for (metadata, expected) in cases {
            assert_eq!(Marks::of(&json!({"metadata": metadata})), expected, "{metadata}");
        }
    }
}
