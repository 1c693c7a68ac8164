//! Where live state may be read.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Reading, SecretSource};
use crate::model::secret::Secret;

/// The places.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Clusters.
    pub kubernetes: Vec<Kubernetes>,
    /// An Argo CD server.
    pub argocd: Option<Api>,
    /// HCP Terraform, or a Terraform Enterprise.
    pub hcp_terraform: Option<Api>,
}

/// A cluster.
#[derive(Clone, Debug)]
pub struct Kubernetes {
    /// The name by which the repository's configuration says where a stack is deployed; absent for the only cluster.
    pub name: Option<String>,
    /// How it is reached.
    pub access: Access,
}

/// How a cluster is reached.
#[derive(Clone, Debug)]
pub enum Access {
    /// As the service account of the pod that we run in.
    InCluster,
    /// As a context of a kubeconfig says.
    Kubeconfig {
        /// The file.
        file: PathBuf,
        /// The context; absent for the current one.
        context: Option<String>,
    },
}

/// An HTTP API with a token.
#[derive(Clone, Debug)]
pub struct Api {
    /// Its base URL, without a slash at the end.
    pub url: String,
    /// The token.
    pub token: Secret,
}

/// The section as it is written.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Live")]
pub(super) struct Written {
    /// Clusters whose objects may be read.
    #[serde(default)]
    kubernetes: Vec<WrittenCluster>,
    /// An Argo CD server.
    argocd: Option<WrittenApi>,
    /// HCP Terraform or a Terraform Enterprise.
    hcp_terraform: Option<WrittenApi>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WrittenCluster {
    /// The name by which .github/sourceward.yaml says where a stack is deployed; may be left out where there is one cluster.
    name: Option<String>,
    /// Whether to read as the service account of the pod that sourceward runs in.
    #[serde(default)]
    in_cluster: bool,
    /// A kubeconfig, relative to this file.
    kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig; without it the current one.
    context: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WrittenApi {
    /// Its base URL.
    url: String,
    /// The token.
    token: SecretSource,
}

impl Reading<'_> {
    pub(super) fn live(&mut self, written: Written) -> Sources {
        let mut kubernetes = Vec::new();
        let several = written.kubernetes.len() > 1;
        let mut nameless = false;
        for (index, cluster) in written.kubernetes.into_iter().enumerate() {
            let place = format!("live.kubernetes[{index}]");
            nameless |= several && cluster.name.is_none();
            let access = match (cluster.in_cluster, cluster.kubeconfig, cluster.context) {
                (true, None, None) => Access::InCluster,
                (true, None, Some(_)) => {
                    self.problem(&place, "a context is one of a kubeconfig: name the file, or leave the context out");
                    continue;
                }
                (false, Some(file), context) => Access::Kubeconfig { file: self.folder.join(file), context },
                _ => {
                    self.problem(&place, "expected exactly one of in_cluster and kubeconfig");
                    continue;
                }
            };
            kubernetes.push(Kubernetes { name: cluster.name, access });
        }
        if nameless {
            self.problem("live.kubernetes", "every cluster needs a name where there are several");
        }
        let mut api = |place: &str, written: Option<WrittenApi>, such_as: &str| {
            let written = written?;
            let url = self.base(&format!("{place}.url"), &written.url, such_as);
            let token = self.secret(&format!("{place}.token"), &written.token);
            Some(Api { url: url?, token: token? })
        };
        let argocd = api("live.argocd", written.argocd, "https://argocd.example.com");
        let hcp_terraform = api("live.hcp_terraform", written.hcp_terraform, "https://app.terraform.io");
        Sources { kubernetes, argocd, hcp_terraform }
    }
}
