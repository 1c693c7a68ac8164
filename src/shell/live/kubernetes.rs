//! The Kubernetes API, read with `get` alone: a live object with its managed fields, and whose pod a pod is.

use std::time::Duration;

use anyhow::{Context, anyhow};
use kube::{
    Api, Client, Config,
    api::{ApiResource, DynamicObject},
    config::{KubeConfigOptions, Kubeconfig},
    core::GroupVersionKind,
    discovery::{Scope, pinned_kind},
};

use super::Seen;
use crate::{
    model::{
        finding::Finding,
        refusal::{Code, Refusal},
        resource::{KubernetesId, ResourceId},
    },
    shell::config::live::{Access, Kubernetes as Source},
};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Controllers between a pod and what is declared: Pod, ReplicaSet, Deployment, and one more for operators.
const MAX_OWNERS: usize = 4;

/// A cluster.
pub struct Cluster {
    /// Its name in the repository's configuration; absent for the only one.
    pub name: Option<String>,
    client: Client,
}

/// Tells whether objects of this kind are made by controllers, from what is declared for another.
pub fn is_owned(id: &KubernetesId) -> bool {
    matches!((id.group(), id.kind.as_str()), ("", "Pod") | ("apps", "ReplicaSet") | ("batch", "Job"))
}

impl Cluster {
    pub async fn open(source: &Source) -> anyhow::Result<Self> {
        let mut config = match &source.access {
            Access::InCluster => Config::incluster().context("there is no service account in this pod")?,
            Access::Kubeconfig { file, context } => {
                let read = Kubeconfig::read_from(file).with_context(|| format!("{} cannot be read", file.display()))?;
                let options = KubeConfigOptions { context: context.clone(), ..KubeConfigOptions::default() };
                let config = Config::from_custom_kubeconfig(read, &options).await;
                config.with_context(|| format!("{} cannot be used", file.display()))?
            }
        };
        config.connect_timeout = Some(PATIENCE);
        config.read_timeout = Some(PATIENCE);
        // The case is tried again, after longer pauses.
        config.default_retry = false;
        Ok(Self { name: source.name.clone(), client: Client::try_from(config).context("no client can be made")? })
    }

    /// A finding with the live object.
    pub async fn completed(&self, finding: &Finding, id: &KubernetesId) -> anyhow::Result<Seen> {
        match self.get(id).await? {
            Some(object) => {
                let live = Some(serde_json::to_value(object).context("the object cannot be read")?);
                Ok(Seen::Completed(Box::new(Finding { live, ..finding.clone() })))
            }
            None => {
                let message = format!("{id} is not in the cluster");
                let hint = "apply the source again, or delete the declaration by hand";
                Ok(Seen::Refused(Refusal::new(Code::LiveStateMissing, message, hint)))
            }
        }
    }

    /// The finding about the workload that made an object: the topmost of its controllers.
    pub async fn of_workload(&self, finding: &Finding, id: &KubernetesId) -> anyhow::Result<Seen> {
        let mut found: Option<KubernetesId> = None;
        for _ in 0..MAX_OWNERS {
            let at = found.as_ref().unwrap_or(id);
            // A pod may be gone by now, and an operator's own kind may not be ours to read.
            let Ok(Some(object)) = self.get(at).await else { break };
            let owners = object.metadata.owner_references.unwrap_or_default();
            let Some(owner) = owners.into_iter().find(|owner| owner.controller == Some(true)) else { break };
            found = Some(KubernetesId {
                api_version: owner.api_version,
                kind: owner.kind,
                namespace: id.namespace.clone(),
                name: owner.name,
            });
        }
        Ok(match found {
            Some(workload) => {
                let resource = ResourceId::Kubernetes(workload);
                Seen::Completed(Box::new(Finding { resource, ..finding.clone() }))
            }
            None => Seen::AsReported,
        })
    }

    /// An object; nothing where it is not there, or its kind is not.
    async fn get(&self, id: &KubernetesId) -> anyhow::Result<Option<DynamicObject>> {
        let version = id.api_version.rsplit('/').next().unwrap_or_default();
        let kind = GroupVersionKind::gvk(id.group(), version, &id.kind);
        let (resource, capabilities): (ApiResource, _) = match pinned_kind(&self.client, &kind).await {
            Ok(found) => found,
            Err(kube::Error::Discovery(_)) => return Ok(None),
            Err(kube::Error::Api(status)) if status.code == 404 => return Ok(None),
            Err(error) => return Err(told(error)).with_context(|| format!("the cluster does not tell of {}", id.kind)),
        };
        let api: Api<DynamicObject> = match (&capabilities.scope, &id.namespace) {
            (Scope::Namespaced, Some(namespace)) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            (Scope::Namespaced, None) => Api::default_namespaced_with(self.client.clone(), &resource),
            (Scope::Cluster, _) => Api::all_with(self.client.clone(), &resource),
        };
        match api.get(&id.name).await {
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            answer => answer.map(Some).map_err(told).with_context(|| format!("the cluster does not give {id}")),
        }
    }
}

/// What went wrong, without the words of an answer: they may quote the object.
fn told(error: kube::Error) -> anyhow::Error {
    match error {
        kube::Error::Api(status) if matches!(status.code, 401 | 403) => {
            anyhow!("it answers {}: the credential must be allowed to get it", status.code)
        }
        kube::Error::Api(status) => anyhow!("it answers {}", status.code),
        kube::Error::SerdeError(_) => anyhow!("its answer is no such object"),
        other => other.into(),
    }
}
