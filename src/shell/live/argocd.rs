//! Argo CD's API: what it compares for an application, with `ignoreDifferences` taken out on both sides.
//!
//! `GET /api/v1/applications/{name}/managed-resources` gives the live and the predicted state of each resource. The sender
//! `argocd` reads that answer, so that a file of it and the API itself lead to the same findings.

use super::{
    Seen,
    read::{ReadApi, several},
    with_report,
};
use crate::{
    model::{
        finding::Finding,
        refusal::{Code, Refusal},
        resource::{ArgocdId, KubernetesId, ResourceId},
        uri::encoded,
    },
    shell::config::live::Api as Source,
};

/// What is said of an application in which nothing differs.
const OVER: &str = "Argo CD sees no difference any more";

/// An Argo CD server.
pub struct Argocd(ReadApi);

impl Argocd {
    pub fn open(source: &Source) -> anyhow::Result<Self> {
        Ok(Self(ReadApi::open(source, "argocd")?))
    }

    /// One resource of an application.
    pub async fn resource(&self, finding: &Finding, app: &str, id: &KubernetesId) -> anyhow::Result<Seen> {
        let query = [
            ("group", id.group()),
            ("kind", &id.kind),
            ("namespace", id.namespace.as_deref().unwrap_or_default()),
            ("name", &id.name),
        ];
        let query = query.iter().filter(|(_, value)| !value.is_empty());
        let query: Vec<String> = query.map(|(key, value)| format!("{key}={}", encoded(value))).collect();
        let path = format!("/api/v1/applications/{}/managed-resources?{}", encoded(app), query.join("&"));
        let Some(told) = self.0.findings(&path).await? else { return Ok(unknown(app)) };
        let same = |resource: &ResourceId| matches!(resource, ResourceId::Kubernetes(other) if is_same(other, id));
        Ok(match told.into_iter().find(|told| same(&told.resource)) {
            // The API names the version that it compares; the report may name another.
            Some(told) => Seen::Completed(Box::new(with_report(finding, told))),
            None => Seen::Over(OVER.to_owned()),
        })
    }

    /// All resources of an application that differ.
    pub async fn application(&self, finding: &Finding, id: &ArgocdId) -> anyhow::Result<Seen> {
        let namespace = id.namespace.iter().map(|namespace| format!("?appNamespace={}", encoded(namespace)));
        let query: String = namespace.collect();
        let path = format!("/api/v1/applications/{}/managed-resources{query}", encoded(&id.name));
        let Some(told) = self.0.findings(&path).await? else { return Ok(unknown(&id.name)) };
        Ok(several(finding, told, OVER))
    }
}

fn unknown(app: &str) -> Seen {
    let message = format!("Argo CD knows no application {app:?}, or the token may not see it");
    let hint = "give the token's account `applications, get` for it";
    Seen::Refused(Refusal::new(Code::LiveStateMissing, message, hint))
}

fn is_same(a: &KubernetesId, b: &KubernetesId) -> bool {
    let namespace = a.namespace.is_none() || b.namespace.is_none() || a.namespace == b.namespace;
    a.group() == b.group() && a.kind == b.kind && a.name == b.name && namespace
}
