//! `IAMPolicyGenerator`: a service account of the cluster that stands for one of Google's cloud.

use crate::{
    engine::kustomize::{
        context::Context,
        fields::{fields, text},
        leaf::SourceId,
        node::{Node, Tag, made},
        problem::Problem,
        resources::Resource,
    },
    source::{
        lineage::{
            sets::SetId,
            text::{MadeOf, Text, TextBuilder},
        },
        span::Span,
        yaml::resolve::{Reader, is_string},
    },
};

/// The service account (`api/filters/iampolicygenerator`).
///
/// # Errors
/// Where the cloud is another one, and where a name would be no text in the text that Kustomize makes of all.
pub fn service_account(
    config: &Node,
    declared: (SourceId, Span),
    context: &mut Context<'_>,
) -> Result<Resource, Problem> {
    let [cloud, service, account] = fields(config, ["cloud", "kubernetesService", "serviceAccount"])?;
    let cloud = text(cloud)?;
    if cloud.bytes() != b"gke" {
        return Err(Problem::broken(format!("cloud provider {} not supported yet", cloud.lossy())));
    }
    let [name, namespace] = service.map_or(Ok([None, None]), |service| fields(service, ["name", "namespace"]))?;
    let [account, project] = account.map_or(Ok([None, None]), |account| fields(account, ["name", "projectId"]))?;
    let (name, namespace) = (plain(&text(name)?)?, text(namespace)?);
    let mut email = TextBuilder::default();
    email.push(&text(account)?);
    email.push_bytes(b"@", MadeOf::NOTHING, SetId::EMPTY);
    email.push(&text(project)?);
    email.push_bytes(b".iam.gserviceaccount.com", MadeOf::NOTHING, SetId::EMPTY);
    let email = plain(&email.build())?;
    let mut annotations = Node::map();
    annotations.set(made("iam.gke.io/gcp-service-account"), context.scalar(email, Tag::String));
    let mut metadata = Node::map();
    metadata.set(made("annotations"), annotations);
    metadata.set(made("name"), context.scalar(name, Tag::String));
    if !namespace.is_empty() {
        metadata.set(made("namespace"), context.scalar(plain(&namespace)?, Tag::String));
    }
    let mut root = Node { places: config.places, ..Node::map() };
    root.set(made("apiVersion"), Node::string(made("v1")));
    root.set(made("kind"), Node::string(made("ServiceAccount")));
    root.set(made("metadata"), metadata);
    Ok(Resource::new(root, declared))
}

/// A text that means itself between a colon and the end of a line.
fn plain(text: &Text) -> Result<Text, Problem> {
    let shown = text.lossy();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '@' | '/');
    if shown.chars().all(is_plain) && !shown.starts_with(['-', '@']) && is_string(&shown, Reader::Kustomize) {
        return Ok(text.clone());
    }
    Err(Problem::unsupported(format!("the name {shown:?} in an IAMPolicyGenerator")))
}
