//! From a kustomization to resources, as `kubectl kustomize` prints them.

use std::{collections::HashSet, rc::Rc, sync::Arc};

use serde_json::Value;

use super::{
    build,
    context::Context,
    folder::Folder,
    helm_charts::Inflate,
    leaf::SourceId,
    print,
    problem::{Kind, Problem},
    provenance::Lineage,
    source::Source,
    sources::{Parsed, Sources},
};
use crate::{
    engine::{self, Rendered, Resource, reads::Reads},
    model::{
        refusal::{Code, Refusal},
        resource::{KubernetesId, ResourceId},
    },
    source::{path::RepoPath, tree::SourceTree},
};

/// A kustomization that is built by itself.
#[derive(Clone, Debug)]
pub struct Overlay {
    /// Its folder.
    pub path: RepoPath,
    /// Whether its charts are inflated, as `--enable-helm` says.
    pub enable_helm: bool,
    /// The files that it may read.
    pub reads: Arc<Reads>,
}

/// Renders a kustomization; `charts` inflates those that it asks for.
///
/// # Errors
/// `stack-unreadable` where Kustomize fails as well, `engine-unsupported` where it might go on and this version cannot say
/// how.
pub fn render(
    tree: &dyn SourceTree,
    overlay: &Overlay,
    parsed: &Parsed,
    charts: &Inflate<'_>,
) -> Result<Rendered, Refusal> {
    let mut context = Context::new(Sources::new(tree, parsed));
    context.charts = overlay.enable_helm.then_some(charts);
    let folder = Folder { path: overlay.path.clone(), reads_anywhere: false };
    let built = build::build(folder, &mut context).and_then(|resources| {
        let value = |resource: &super::resources::Resource| {
            print::counted(&resource.node, &mut context).map_err(|problem| {
                let (source, span) = resource.declared;
                problem.at(source, span)
            })
        };
        let values = resources.list.iter().map(value).collect::<Result<Vec<(Value, usize)>, Problem>>()?;
        Ok((resources, values))
    });
    let Context { sources, sets, .. } = context;
    let (resources, values) = match built {
        Ok(built) => built,
        Err(problem) => {
            let lineage = Lineage::new(sets, sources.into_read(), HashSet::new());
            return Err(refusal(&problem, overlay, &lineage));
        }
    };
    let patches: HashSet<SourceId> =
        resources.list.iter().flat_map(|resource| &resource.touched).map(|touch| touch.source).collect();
    let sources = sources.into_read();
    let mut rendered = Rendered::default();
    rendered.files.extend(sources.iter().map(|source| source.path.clone()));
    let lineage = Rc::new(Lineage::new(sets, sources, patches));
    let printed: Vec<String> = values
        .iter()
        .map(|(value, _)| print::document(value))
        .collect::<Result<_, _>>()
        .map_err(|error| refusal(&Problem::limit(error.to_string()), overlay, &lineage))?;
    rendered.printed = Some(printed.join("---\n"));
    for (resource, (value, _)) in resources.list.into_iter().zip(values) {
        let source = Source::new(lineage.clone(), Rc::new(resource.node), resource.declared);
        rendered.resources.push(Resource {
            id: ResourceId::Kubernetes(id_of(&value)),
            value: Arc::new(value),
            source: engine::Source::Kustomize(source),
        });
    }
    Ok(rendered)
}

fn refusal(problem: &Problem, overlay: &Overlay, lineage: &Lineage) -> Refusal {
    let (path, message) = (&overlay.path, &problem.message);
    let (code, message, hint) = match problem.kind {
        Kind::Broken => (
            Code::StackUnreadable,
            format!("the kustomization {path} does not build: {message}"),
            "`kubectl kustomize` shows the same; mend the kustomization",
        ),
        Kind::Limit => (
            Code::EngineUnsupported,
            format!("the kustomization {path} is too much to build: {message}"),
            "change the source by hand, or make the kustomization smaller",
        ),
        Kind::Unsupported => (
            Code::EngineUnsupported,
            format!("the kustomization {path} cannot be built by this version: {message}"),
            "change the source by hand",
        ),
    };
    let refusal = Refusal::new(code, message, hint);
    match problem.at {
        Some((source, span)) => {
            let (file, line) = lineage.place(source, span);
            refusal.at(file, Some(line))
        }
        None => refusal.at(path, None),
    }
}

fn id_of(value: &Value) -> KubernetesId {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let metadata = value.get("metadata").cloned().unwrap_or_default();
    let namespace = Some(text(&metadata, "namespace")).filter(|namespace| !namespace.is_empty());
    KubernetesId {
        api_version: text(value, "apiVersion"),
        kind: text(value, "kind"),
        namespace,
        name: text(&metadata, "name"),
    }
}
