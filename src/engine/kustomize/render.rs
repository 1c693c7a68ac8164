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
    engine::{self, Printout, Rendered, Resource, reads::Reads},
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
    /// Whether files outside of its folder may be read, as `--load-restrictor LoadRestrictionsNone` says.
    pub reads_anywhere: bool,
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
    let folder = Folder { path: overlay.path.clone(), reads_anywhere: overlay.reads_anywhere };
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
    let Context { sources, sets, schemas, .. } = context;
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
    rendered.printed = Printout::Kustomized;
    let whole = Rc::new(Whole { lineage, kustomizations, definitions: schemas.definitions() });
    for (resource, (value, count)) in resources.list.into_iter().zip(values) {
        // As it is printed, and its nodes.
        rendered.values += 2 * count;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::pointer::Pointer, source::tree::MemoryTree};

    /// A base, an overlay that patches it in two files and an entry, generators, and names put together.
    const FILES: &[(&str, &str)] = &[
        (
            "base/d.yaml",
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: d\nspec:\n  replicas: 1\n  paused: &p true\n  again: *p\n  template:\n    spec:\n      containers:\n      - name: a\n        image: nginx:1\n      volumes:\n      - name: v\n        configMap:\n          name: g\n",
        ),
        ("base/kustomization.yaml", "resources:\n- d.yaml\nnamePrefix: b-\n"),
        ("over/p.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: d\nspec:\n  replicas: 2\n"),
        ("over/f.txt", "x"),
        (
            "over/kustomization.yaml",
            "resources:\n- ../base\npatches:\n- path: p.yaml\n- target:\n    kind: Deployment\n  patch: |-\n    - op: add\n      path: /spec/minReadySeconds\n      value: 7\nimages:\n- name: nginx\n  newTag: v2\nconfigMapGenerator:\n- name: g\n  literals:\n  - a=b\n  files:\n  - f.txt\n",
        ),
    ];

    #[test]
    fn fields_lead_to_what_says_them() {
        let files = FILES.iter().map(|(path, text)| (path.parse::<RepoPath>().expect("a path"), text));
        let tree = MemoryTree::of(files);
        let overlay = Overlay {
            path: "over".parse().expect("a path"),
            enable_helm: false,
            reads_anywhere: false,
            reads: Arc::default(),
        };
        let no_charts = |_: &_| Err(Problem::unsupported("charts"));
        let rendered = render(&tree, &overlay, &Parsed::default(), &no_charts).expect("it renders");
        let origins = |resource: usize, at: &[&str]| -> Vec<String> {
            let origins = rendered.resources[resource].origins(&Pointer::of(at.iter().copied()));
            origins.iter().map(|origin| format!("{}:{} {}", origin.file, origin.line, origin.role)).collect()
        };
        let cases: [(usize, &[&str], &[&str]); 9] = [
            (
                1,
                &["metadata", "name"],
                &["base/kustomization.yaml:3 entry of the kustomization", "base/d.yaml:4 literal"],
            ),
            (1, &["spec", "replicas"], &["over/p.yaml:6 patch"]),
            (1, &["spec", "paused"], &["base/d.yaml:7 shared through an anchor"]),
            (1, &["spec", "again"], &["base/d.yaml:7 shared through an anchor"]),
            (1, &["spec", "minReadySeconds"], &["over/kustomization.yaml:10 patch"]),
            (
                1,
                &["spec", "template", "spec", "containers", "0", "image"],
                &["base/d.yaml:13 literal", "over/kustomization.yaml:13 entry of the kustomization"],
            ),
            (0, &["data", "a"], &["over/kustomization.yaml:17 entry of a generator"]),
            (0, &["data", "f.txt"], &["over/f.txt:1 entry of a generator"]),
            (1, &["spec", "nothing"], &[]),
        ];
        for (resource, at, expected) in cases {
            assert_eq!(origins(resource, at), expected, "{at:?}");
        }
        let (file, line) = rendered.resources[1].declared_at();
        assert_eq!((file.as_str(), line), ("base/d.yaml", 1));
        assert_eq!(rendered.files.len(), FILES.len());
    }
}
