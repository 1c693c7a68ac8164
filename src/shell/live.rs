//! What runs, read from where the operator allows: for findings that name a resource and not its values.
//!
//! Most senders only say that something differs. Given an API to ask, with no more than the right to read, the live values are
//! fetched when a case is worked on, and never stored: what the next try sees is what runs then. Addresses come from the
//! operator's configuration alone; of a payload only names and ids are used. Secrets are not asked for.

pub mod api;
mod argocd;
mod hcp_terraform;
mod kubernetes;
mod read;
pub mod states;

use anyhow::Context;

use self::{argocd::Argocd, hcp_terraform::HcpTerraform, kubernetes::Cluster};
use super::config::live::Sources;
use crate::model::{
    finding::{Finding, Intent},
    refusal::{Code, Refusal},
    resource::ResourceId,
};

/// The places that are asked.
#[derive(Default)]
pub struct Live {
    clusters: Vec<Cluster>,
    argocd: Option<Argocd>,
    hcp_terraform: Option<HcpTerraform>,
}

/// A finding with what could be read of the live state.
#[derive(Debug)]
pub enum Seen {
    /// It says what there is to say, or there is nobody to ask.
    AsReported,
    /// The same finding with its live values, or about the workload that a pod belongs to.
    Completed(Box<Finding>),
    /// It was about many resources at once: a finding for each that differs.
    Several(Vec<Finding>),
    /// Nothing differs any more.
    Over(String),
    /// It cannot be known, for a reason that a person can act on.
    Refused(Refusal),
}

impl Live {
    /// What the operator's configuration names. To be called within a tokio runtime.
    ///
    /// # Errors
    /// Where a cluster's credentials cannot be read, or a client cannot be made, in words for the operator.
    pub async fn open(sources: &Sources) -> anyhow::Result<Self> {
        let mut clusters = Vec::new();
        for source in &sources.kubernetes {
            let name = source.name.as_deref().unwrap_or("live.kubernetes");
            clusters.push(Cluster::open(source).await.with_context(|| format!("the cluster {name}"))?);
        }
        Ok(Self {
            clusters,
            argocd: sources.argocd.as_ref().map(Argocd::open).transpose()?,
            hcp_terraform: sources.hcp_terraform.as_ref().map(HcpTerraform::open).transpose()?,
        })
    }

    /// Tells whether there is anybody to ask.
    pub fn is_empty(&self) -> bool {
        self.clusters.is_empty() && self.argocd.is_none() && self.hcp_terraform.is_none()
    }

    /// A finding with what can be read for it. `cluster` is the cluster of the stack that declares the resource, where that
    /// is known.
    ///
    /// # Errors
    /// Where whom we ask does not answer, or not as documented: to be tried again.
    pub async fn see(&self, finding: &Finding, cluster: Option<&str>) -> anyhow::Result<Seen> {
        let says_enough = finding.patch.is_some() || finding.live.is_some();
        match (&finding.resource, finding.intent) {
            (ResourceId::Kubernetes(id), Intent::Drift) if !says_enough => {
                if id.kind == "Secret" {
                    let message = format!("{id} is a Secret: its values are not read");
                    return Ok(Seen::Refused(Refusal::new(Code::Secret, message, "change it where secrets are kept")));
                }
                if let (Some(argocd), Some(app)) = (&self.argocd, &finding.hints.app) {
                    return argocd.resource(finding, app, id).await;
                }
                match self.cluster(cluster) {
                    Ok(Some(cluster)) => cluster.completed(finding, id).await,
                    Ok(None) => Ok(Seen::AsReported),
                    Err(refusal) => Ok(Seen::Refused(refusal)),
                }
            }
            (ResourceId::Kubernetes(id), Intent::Violation) if kubernetes::is_owned(id) => {
                match self.cluster(cluster) {
                    Ok(Some(cluster)) => cluster.of_workload(finding, id).await,
                    // Whose pod it is may be known without a cluster.
                    Ok(None) | Err(_) => Ok(Seen::AsReported),
                }
            }
            (ResourceId::Argocd(id), Intent::Drift) if !says_enough => match &self.argocd {
                Some(argocd) => argocd.application(finding, id).await,
                None => Ok(Seen::AsReported),
            },
            (ResourceId::Workspace(_), Intent::Drift) if !says_enough => match &self.hcp_terraform {
                Some(terraform) => terraform.workspace(finding).await,
                None => Ok(Seen::AsReported),
            },
            _ => Ok(Seen::AsReported),
        }
    }

    /// The cluster of a name, or the only one; nothing where there is none at all.
    fn cluster(&self, name: Option<&str>) -> Result<Option<&Cluster>, Refusal> {
        let named = |name: &str| self.clusters.iter().find(|cluster| cluster.name.as_deref() == Some(name));
        match (name.and_then(named), &self.clusters[..]) {
            (Some(cluster), _) => Ok(Some(cluster)),
            (None, []) => Ok(None),
            (None, [only]) if only.name.is_none() || name.is_none() => Ok(Some(only)),
            (None, _) => {
                let message = match name {
                    Some(name) => format!("the stack runs in the cluster {name}, which the server cannot read"),
                    None => "the server can read several clusters, and it is not known which one is meant".to_owned(),
                };
                let hint =
                    "name the cluster of the stack in .github/sourceward.yaml as the server's configuration does";
                Err(Refusal::new(Code::LiveStateMissing, message, hint))
            }
        }
    }
}

/// What a source told for one finding, carried over to what it reported of it: the hints, the time and the actor.
fn with_report(report: &Finding, told: Finding) -> Finding {
    Finding {
        id: report.id.clone(),
        state: report.state,
        stack: told.stack.or_else(|| report.stack.clone()),
        severity: told.severity.or(report.severity),
        title: report.title.clone().or(told.title),
        first_seen: report.first_seen.clone().or(told.first_seen),
        time: report.time.clone().or(told.time),
        actor: report.actor.clone().or(told.actor),
        hints: report.hints.clone(),
        links: report.links.clone(),
        ..told
    }
}
