//! Which thing a finding is about.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One declared or running thing, tagged by the world that names it: `{"kubernetes": {…}}`, `{"terraform": {…}}`, ….
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResourceId {
    /// A Kubernetes object.
    Kubernetes(KubernetesId),
    /// A Terraform resource instance.
    Terraform(TerraformId),
    /// A cloud resource by the provider's own name; its Terraform address has to be found.
    Cloud(CloudId),
    /// A whole Argo CD application, where the sender names nothing smaller.
    Argocd(ArgocdId),
    /// A whole Terraform workspace, where the sender names nothing smaller.
    Workspace(WorkspaceId),
    /// Lines of a file, where the sender names no resource: what is declared there has to be found.
    File(FileId),
}

/// A Kubernetes object's identity as its manifest writes it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KubernetesId {
    /// `v1`, `apps/v1`, ….
    pub api_version: String,
    /// `Deployment`.
    pub kind: String,
    /// Absent for cluster-scoped objects and where the manifest leaves it to the deployer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// `metadata.name`.
    pub name: String,
}

/// A Terraform resource instance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TerraformId {
    /// `module.net.aws_subnet.private["a"]`.
    pub address: String,
}

/// A cloud resource by its provider's identifier.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloudId {
    /// `aws`, `gcp`, `azure`.
    pub provider: String,
    /// Account, project or subscription.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The provider's region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The provider's type name.
    #[serde(rename = "type")]
    pub kind: String,
    /// Name, id or ARN.
    pub id: String,
}

/// An Argo CD `Application`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArgocdId {
    /// The namespace of the `Application` object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The application's name.
    pub name: String,
}

/// A Terraform workspace as the service that runs it names it: HCP Terraform's workspace, Spacelift's stack, Atlantis's
/// project.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkspaceId {
    /// The service's organization, account or repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// Its name; with its folder before it where only both together are one.
    pub name: String,
}

/// Lines of a file of the repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileId {
    /// The path as the sender writes it, without a leading slash; it may begin elsewhere than at the repository's root.
    pub path: String,
    /// The first line, from 1; absent where the whole file is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The last line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_line: Option<u32>,
}

impl KubernetesId {
    /// The API group without its version; empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version.rsplit_once('/').map_or("", |(group, _)| group)
    }
}

impl ResourceId {
    /// What kind of thing it is: `Deployment` for a kind of Kubernetes itself, `Rollout.argoproj.io` for another one,
    /// `aws_s3_bucket` or `data.aws_iam_policy_document` for Terraform; nothing where the identity does not say.
    pub fn kind(&self) -> Option<String> {
        match self {
            Self::Kubernetes(id) => Some(match id.group() {
                group if group.contains('.') && !group.ends_with(".k8s.io") => format!("{}.{group}", id.kind),
                _ => id.kind.clone(),
            }),
            Self::Terraform(id) => id.kind(),
            Self::Cloud(_) | Self::Argocd(_) | Self::Workspace(_) | Self::File(_) => None,
        }
    }
}

impl TerraformId {
    /// The type of the resource: `aws_subnet`.
    fn kind(&self) -> Option<String> {
        // Names between dots; what is in brackets is a key.
        let (mut names, mut depth, mut quoted) = (vec![String::new()], 0_usize, false);
        for c in self.address.chars() {
            match c {
                '"' => quoted = !quoted,
                '[' if !quoted => depth += 1,
                ']' if !quoted => depth = depth.saturating_sub(1),
                '.' if depth == 0 => names.push(String::new()),
                c if depth == 0 => names.last_mut()?.push(c),
                _ => {}
            }
        }
        let mut names = &names[..];
        while let ["module", _, rest @ ..] = &names.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            names = &names[names.len() - rest.len()..];
        }
        match names {
            [data, kind, _] if data == "data" => Some(format!("data.{kind}")),
            [kind, _] => Some(kind.clone()),
            _ => None,
        }
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kubernetes(id) => id.fmt(f),
            Self::Terraform(id) => f.write_str(&id.address),
            Self::Cloud(id) => write!(f, "{} {} {}", id.provider, id.kind, id.id),
            Self::Argocd(id) => write!(f, "application {}", id.name),
            Self::Workspace(id) => match &id.organization {
                Some(organization) => write!(f, "workspace {organization}/{}", id.name),
                None => write!(f, "workspace {}", id.name),
            },
            Self::File(id) => match id.line {
                Some(line) => write!(f, "{}:{line}", id.path),
                None => f.write_str(&id.path),
            },
        }
    }
}

/// `Deployment shop/cart`, `Namespace shop`.
impl fmt::Display for KubernetesId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_kind_is_that_of_the_world() {
        for (address, kind) in [
            ("aws_vpc.a", Some("aws_vpc")),
            ("module.net[\"a.b\"].module.x.aws_subnet.private[0]", Some("aws_subnet")),
            ("module.net.data.aws_ami.b[\"x]y\"]", Some("data.aws_ami")),
            ("module.net", None),
        ] {
            let id = ResourceId::Terraform(TerraformId { address: address.to_owned() });
            assert_eq!(id.kind().as_deref(), kind, "{address}");
        }
        for (api_version, kind, expected) in [
            ("v1", "Service", "Service"),
            ("networking.k8s.io/v1", "Ingress", "Ingress"),
            ("serving.knative.dev/v1", "Service", "Service.serving.knative.dev"),
        ] {
            let (api_version, kind) = (api_version.to_owned(), kind.to_owned());
            let id = KubernetesId { api_version, kind, namespace: None, name: "a".to_owned() };
            assert_eq!(ResourceId::Kubernetes(id).kind().as_deref(), Some(expected));
        }
    }

    #[test]
    fn the_tag_names_the_world() {
        let text =
            json!({"kubernetes": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "cart"}});
        let id: ResourceId = serde_json::from_value(text.clone()).expect("reads");
        assert_eq!(id.to_string(), "Deployment shop/cart");
        assert_eq!(serde_json::to_value(&id).expect("writes"), text);
        let cloud = json!({"cloud": {"provider": "aws", "type": "AWS::S3::Bucket", "id": "logs"}});
        assert!(matches!(serde_json::from_value(cloud), Ok(ResourceId::Cloud(_))));
        for (text, shown) in [
            (json!({"workspace": {"organization": "acme", "name": "net"}}), "workspace acme/net"),
            (json!({"workspace": {"name": "net"}}), "workspace net"),
            (json!({"file": {"path": "main.tf", "line": 4, "end_line": 12}}), "main.tf:4"),
            (json!({"file": {"path": "main.tf"}}), "main.tf"),
        ] {
            let id: ResourceId = serde_json::from_value(text.clone()).expect("reads");
            assert_eq!((id.to_string().as_str(), serde_json::to_value(&id).expect("writes")), (shown, text));
        }
    }
}
