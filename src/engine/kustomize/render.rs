//! From a kustomization to resources, as `kubectl kustomize` prints them.

use std::{collections::HashSet, rc::Rc, sync::Arc};

use serde_json::Value;

use super::{
    build::{self, Built},
    context::Context,
    folder::Folder,
    helm_charts::Inflate,
    leaf::SourceId,
    print,
    problem::{Kind, Problem},
    provenance::Lineage,
    source::{Source, Whole},
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
    let built = build::build(folder, &mut context).and_then(|Built { resources, kustomizations }| {
        let value = |resource: &super::resources::Resource| {
            print::counted(&resource.node, &mut context).map_err(|problem| {
                let (source, span) = resource.declared;
                problem.at(source, span)
            })
        };
        let values = resources.list.iter().map(value).collect::<Result<Vec<(Value, usize)>, Problem>>()?;
        Ok((resources, values, kustomizations))
    });
    let Context { sources, sets, mut schemas, .. } = context;
    let (resources, values, kustomizations) = match built {
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
    let lineage = Lineage::new(sets, sources, patches);
    let printed: Vec<String> = values
        .iter()
        .map(|(value, _)| print::document(value))
        .collect::<Result<_, _>>()
        .map_err(|error| refusal(&Problem::limit(error.to_string()), overlay, &lineage))?;
    rendered.printed = Some(printed.join("---\n"));
    let whole = Rc::new(Whole { lineage, kustomizations, definitions: schemas.definitions() });
    for (resource, (value, _)) in resources.list.into_iter().zip(values) {
        let before_hash = resource.previous.last().filter(|_| resource.needs_hash);
        let (stem, value) = (before_hash.map(|former| former.name.clone()), Arc::new(value));
        rendered.resources.push(Resource {
            id: ResourceId::Kubernetes(id_of(&value)),
            stem,
            value: value.clone(),
            source: engine::Source::Kustomize(Source::new(whole.clone(), Rc::new(resource), value)),
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
