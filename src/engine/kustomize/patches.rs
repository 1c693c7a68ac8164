//! Patches of a kustomization: which objects they work on, and how.
//!
//! The same text means two things: a patch with a target is laid over an object after its labels and annotations were made
//! texts, so that a null in them is the text `null`; one without a target is laid over it as it is.
//!
//! References: `api/internal/builtins/Patch*Transformer.go`, `api/resmap/reswrangler.go` and `api/resource/resource.go` of
//! Kustomize 5.5.0.

mod lay;
mod workbench;

use self::{lay::Allowed, workbench::Workbench};
use super::{
    context::Context,
    folder::Folder,
    leaf::{Leaf, SourceId},
    load,
    node::Node,
    operations::Operations,
    problem::{Kind, Problem},
    resources::{PatchKind, Resources, Touch},
    selector::{Fields, Selector},
    sources::Inside,
};
use crate::source::span::Span;

/// An item of `patches`, `patchesStrategicMerge` or `patchesJson6902`.
#[derive(Clone, Debug)]
pub struct Patch {
    says: Says,
    field: Field,
    target: Option<Selector>,
    allowed: Allowed,
}

/// Where the patch is.
#[derive(Clone, Debug)]
enum Says {
    File(String),
    Text(Node),
}

/// Which list the patch is an item of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Patches,
    StrategicMerge,
    Operations,
}

/// A patch, read.
enum Body {
    /// Parts of objects, each with the document that says it.
    Merge(Vec<(Node, u32)>),
    Operations(Operations),
    /// Neither, which is noticed when an object is to be patched.
    Neither(Problem),
}

const FIELDS: &[&str] = &["path", "patch", "target", "options"];

impl Patch {
    /// Reads an item of `patches`.
    ///
    /// # Errors
    /// Where it says no patch, or two.
    pub fn read(node: &Node) -> Result<Self, Problem> {
        let (path, text, target, allowed) = parts(node)?;
        let text = text.filter(|text| text.text().is_some_and(|text| !text.trim().is_empty()));
        let says = match (path.is_empty(), text) {
            (true, None) => return Err(Problem::broken("must specify one of patch and path")),
            (false, Some(_)) => return Err(Problem::broken("patch and path can't be set at the same time")),
            (true, Some(text)) => Says::Text(text.clone()),
            (false, None) => Says::File(path),
        };
        Ok(Self { says, field: Field::Patches, target, allowed })
    }

    /// Reads an item of `patchesStrategicMerge`: a patch, or the name of its file.
    ///
    /// # Errors
    /// Where it is no text.
    pub fn strategic(node: &Node) -> Result<Self, Problem> {
        if !node.is_null() && !matches!(node.to_json(), Ok(serde_json::Value::String(_))) {
            return Err(Problem::broken("invalid Kustomization: an item of patchesStrategicMerge is no text"));
        }
        let says = Says::Text(node.clone());
        Ok(Self { says, field: Field::StrategicMerge, target: None, allowed: Allowed::default() })
    }

    /// Reads an item of `patchesJson6902`.
    ///
    /// # Errors
    /// Where it says no patch, or two, or no target with a name.
    pub fn operations(node: &Node) -> Result<Self, Problem> {
        let (path, text, target, _) = parts(node)?;
        if target.as_ref().is_none_or(|target| target.identity.name.is_empty()) {
            return Err(Problem::broken("must specify the target name"));
        }
        let text = text.filter(|text| text.text().is_some_and(|text| !text.is_empty()));
        let says = match (path.is_empty(), text) {
            (true, None) => return Err(Problem::broken("empty file path and empty jsonOp")),
            (false, Some(_)) => return Err(Problem::broken("must specify a file path or jsonOp, not both")),
            (true, Some(text)) => Says::Text(text.clone()),
            (false, None) => Says::File(path),
        };
        Ok(Self { says, field: Field::Operations, target, allowed: Allowed::default() })
    }

    /// Patches the objects. Many patches are faster by [`apply`].
    ///
    /// # Errors
    /// Where the patch cannot be read, where it has no target and means no object or several, and where it does not fit.
    pub fn apply(&self, folder: &Folder, resources: &mut Resources, context: &mut Context<'_>) -> Result<(), Problem> {
        apply(std::slice::from_ref(self), folder, resources, context)
    }

    /// Reads the patch.
    fn load(&self, folder: &Folder, context: &mut Context<'_>) -> Result<(SourceId, Body), Problem> {
        let source = match &self.says {
            Says::File(path) => folder.file(path, context).map_err(|problem| match self.field {
                Field::Patches => problem.during(format_args!("failed to get the patch file from path({path})")),
                Field::StrategicMerge | Field::Operations => problem,
            })?,
            Says::Text(node) => text_source(node, self.field == Field::Patches, context)?,
        };
        let body = match self.field {
            Field::Patches => either(source, context)?,
            Field::Operations => {
                let operations = Operations::read(source, context)?.filter(|operations| !operations.is_empty());
                Body::Operations(operations.ok_or_else(|| Problem::broken("patch appears to be empty"))?)
            }
            Field::StrategicMerge => match (load::nodes(source, context), &self.says) {
                (Ok(patches), _) => Body::Merge(patches),
                // What is no patch is the name of a file.
                (Err(_), Says::Text(node)) => {
                    let path = node.text().unwrap_or_default();
                    let source = folder.file(path, context)?;
                    return Ok((source, Body::Merge(load::nodes(source, context)?)));
                }
                (Err(problem), Says::File(_)) => return Err(problem),
            },
        };
        Ok((source, body))
    }

    fn run(
        &self,
        source: SourceId,
        body: Body,
        bench: &mut Workbench<'_>,
        context: &mut Context<'_>,
    ) -> Result<(), Problem> {
        let touch = |document, kind| Touch { source, document, kind };
        match (body, &self.target) {
            (Body::Merge(patches), None) if self.field == Field::StrategicMerge => {
                for (patch, document) in patches {
                    let at = bench.only(&patch, context)?;
                    bench.lay_over(&[at], &patch, self.allowed, &touch(document, PatchKind::Merge), context)?;
                }
            }
            (Body::Merge(patches), None) => {
                for (patch, document) in patches {
                    let found = bench.only(&patch, context);
                    let at = found.map_err(|problem| problem.during("no resource matches strategic merge patch"))?;
                    bench.lay_as_is(at, patch, self.allowed, touch(document, PatchKind::Merge), context)?;
                }
            }
            (Body::Merge(patches), Some(target)) => {
                let [(patch, document)] = &patches[..] else {
                    return Err(Problem::broken(
                        "Multiple Strategic-Merge Patches in one `patches` entry is not allowed to set `patches.target` field",
                    ));
                };
                let selected = bench.select(target, context)?;
                bench.lay_over(&selected, patch, self.allowed, &touch(*document, PatchKind::Merge), context)?;
            }
            (_, None) => return Err(Problem::broken("must specify a target for JSON patch")),
            (Body::Operations(operations), Some(target)) => {
                let stores_id = self.field == Field::Patches;
                let touch = touch(operations.document, PatchKind::Operations);
                for at in bench.select(target, context)? {
                    bench.operate(at, &operations, stores_id, &touch, context)?;
                }
            }
            (Body::Neither(problem), Some(target)) => {
                if !bench.select(target, context)?.is_empty() {
                    return Err(problem);
                }
            }
        }
        bench.sweep();
        Ok(())
    }
}

/// Applies patches one after the other.
///
/// # Errors
/// As [`Patch::apply`].
pub fn apply(
    patches: &[Patch],
    folder: &Folder,
    resources: &mut Resources,
    context: &mut Context<'_>,
) -> Result<(), Problem> {
    if patches.is_empty() {
        return Ok(());
    }
    let mut bench = Workbench::new(resources, context)?;
    for patch in patches {
        let (source, body) = patch.load(folder, context)?;
        patch.run(source, body, &mut bench, context).map_err(|problem| problem.at(source, Span::empty(0)))?;
    }
    bench.finish();
    Ok(())
}

/// Applies the items of `patchesStrategicMerge`, which are one transformer.
///
/// # Errors
/// As [`Patch::apply`], and where there is no patch in any of them.
pub fn apply_strategic(
    items: &[Node],
    folder: &Folder,
    resources: &mut Resources,
    context: &mut Context<'_>,
) -> Result<(), Problem> {
    let patches: Vec<Patch> = items.iter().map(Patch::strategic).collect::<Result<_, _>>()?;
    let mut loaded = Vec::with_capacity(patches.len());
    for patch in &patches {
        loaded.push(patch.load(folder, context)?);
    }
    if !items.is_empty() && loaded.iter().all(|(_, body)| matches!(body, Body::Merge(patches) if patches.is_empty())) {
        return Err(Problem::broken("patch appears to be empty"));
    }
    let mut bench = Workbench::new(resources, context)?;
    for (patch, (source, body)) in patches.iter().zip(loaded) {
        patch.run(source, body, &mut bench, context).map_err(|problem| problem.at(source, Span::empty(0)))?;
    }
    bench.finish();
    Ok(())
}

type Parts<'n> = (String, Option<&'n Node>, Option<Selector>, Allowed);

fn parts(node: &Node) -> Result<Parts<'_>, Problem> {
    let fields = Fields::read(node, "a patch", FIELDS)?;
    fields.text("patch")?;
    let options = fields.get("options");
    if options.is_some_and(|options| options.entries().is_none()) {
        return Err(Problem::broken("invalid Kustomization: options of a patch is no map"));
    }
    let mut allowed = Allowed::default();
    for option in options.and_then(Node::entries).unwrap_or_default() {
        let value = match option.value.to_json() {
            Ok(serde_json::Value::Bool(value)) => value,
            Ok(serde_json::Value::Null) => false,
            _ => return Err(Problem::broken("invalid Kustomization: an option of a patch is no truth value")),
        };
        match option.key.bytes() {
            b"allowNameChange" => allowed.name_change = value,
            b"allowKindChange" => allowed.kind_change = value,
            _ => {}
        }
    }
    let target = fields.get("target").map(Selector::read).transpose()?;
    Ok((fields.text("path")?, fields.get("patch"), target, allowed))
}

/// The text that a scalar says, as a source of its own.
fn text_source(node: &Node, is_trimmed: bool, context: &mut Context<'_>) -> Result<SourceId, Problem> {
    let text = node.text().unwrap_or_default();
    let (start, text) = if is_trimmed { (text.len() - text.trim_start().len(), text.trim()) } else { (0, text) };
    let leaf = context.sets.leaves(node.places).next().map(|leaf| context.sets.get(leaf));
    let Some(Leaf::Node { source, document, node }) = leaf else {
        return Err(Problem::unsupported("a patch in a text that no file says"));
    };
    let inside = Inside { source: *source, document: *document, node: *node, start };
    Ok(context.sources.text(inside, text))
}

/// Reads a patch whose kind is to be found out.
fn either(source: SourceId, context: &mut Context<'_>) -> Result<Body, Problem> {
    let is_empty = context.sources.get(source).content.is_empty();
    let merge = load::nodes(source, context);
    let operations = Operations::read(source, context);
    for problem in [merge.as_ref().err(), operations.as_ref().err()].into_iter().flatten() {
        if problem.kind != Kind::Broken {
            return Err(problem.clone());
        }
    }
    match (merge, operations) {
        (Ok(_), Ok(_)) => Err(Problem::broken("illegally qualifies as both an SM and JSON patch")),
        (Ok(patches), Err(_)) if !patches.is_empty() => Ok(Body::Merge(patches)),
        (Ok(_), Err(_)) if is_empty => Ok(Body::Operations(Operations::none())),
        (Ok(_), Err(problem)) => Ok(Body::Neither(problem)),
        (Err(_), Ok(operations)) => Ok(Body::Operations(operations.unwrap_or_else(Operations::none))),
        (Err(merge), Err(operations)) => {
            let message = format!("unable to parse SM or JSON patch: {merge}; {operations}");
            Err(Problem { message, ..merge })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::kustomize::{
            node::Content,
            replacements::{self, Replacement},
            resources::Resource,
            sources::{Parsed, Sources},
        },
        source::{path::RepoPath, tree::MemoryTree, yaml::resolve::Reader},
    };

    const BASE: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, labels: {app: cart}}
spec:
  template:
    spec:
      containers:
      - {name: web, image: 'acme/cart:1.0', env: [{name: LEVEL, value: info}]}
";

    /// What a field says after patches and replacements, and where each part of it is written: the file and its line.
    fn origins(patches: &str, others: &[(&str, &str)], field: &[&str]) -> (String, Vec<String>) {
        let path = |text: &str| text.parse::<RepoPath>().expect("a path");
        let files = [("base.yaml", BASE), ("k.yaml", patches)].into_iter().chain(others.iter().copied());
        let tree = MemoryTree::of(files.map(|(name, text)| (path(name), text.as_bytes().to_vec())));
        let parsed = Parsed::default();
        let mut context = Context::new(Sources::new(&tree, &parsed));
        let folder = Folder { path: RepoPath::root(), reads_anywhere: false };
        let source = context.sources.file(&path("base.yaml")).expect("a file");
        let nodes = load::nodes(source, &mut context).expect("objects");
        let declare = |(node, _)| Resource::new(node, (source, Span::empty(0)));
        let mut resources = Resources { list: nodes.into_iter().map(declare).collect() };
        let source = context.sources.file(&path("k.yaml")).expect("a file");
        let kustomization = load::first(source, Reader::Manifest, &mut context).expect("YAML").expect("a document");
        let list = |key| kustomization.get(key).and_then(Node::items).unwrap_or_default();
        let read: Vec<Patch> = list("patches").iter().map(|item| Patch::read(item).expect("is read")).collect();
        apply(&read, &folder, &mut resources, &mut context).expect("is done");
        let read: Vec<Replacement> =
            list("replacements").iter().map(|item| Replacement::read(item).expect("is read")).collect();
        replacements::apply(&read, &folder, &mut resources, &mut context).expect("is done");
        let node = field.iter().fold(&resources.list[0].node, |node, key| match &node.content {
            Content::List(items) => &items[key.parse::<usize>().expect("an index")],
            _ => node.get(key).expect("a key"),
        });
        let said = node.as_scalar().map(|scalar| scalar.text.lossy().into_owned()).unwrap_or_default();
        let written = |leaf| match context.sets.get(leaf) {
            Leaf::Node { source, document, node } => {
                let source = context.sources.get(*source);
                let yaml = source.yaml().expect("is YAML");
                let span = yaml.stream.as_ref().expect("is YAML").documents[*document as usize].node(*node).span;
                let inside = if source.inside.is_some() { " inside" } else { "" };
                format!("{}{inside}:{}", source.path, source.line(span.start))
            }
            other => panic!("{other:?}"),
        };
        let mut places: Vec<String> = context.sets.leaves(node.places).map(written).collect();
        places.sort();
        (said, places)
    }

    #[test]
    fn a_field_leads_to_the_patch_that_says_it_and_a_map_to_all_files_that_do() {
        let merged = "patches:\n- path: p.yaml\n";
        let patch = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, labels: {tier: web}}
spec:
  template:
    spec:
      containers:
      - name: web
        image: acme/cart:2.0
";
        let container = ["spec", "template", "spec", "containers", "0"];
        let at = |more: &[&'static str]| [&container[..], more].concat();
        let cases: [(Vec<&str>, &str, &[&str]); 5] = [
            (at(&["image"]), "acme/cart:2.0", &["p.yaml:9"]),
            (at(&["env", "0", "value"]), "info", &["base.yaml:8"]),
            (at(&[]), "", &["base.yaml:8", "p.yaml:8"]),
            (container[..4].to_vec(), "", &["base.yaml:8", "p.yaml:8"]),
            (vec!["metadata", "labels"], "", &["base.yaml:3", "p.yaml:3"]),
        ];
        for (field, said, places) in cases {
            assert_eq!(
                origins(merged, &[("p.yaml", patch)], &field),
                (said.to_owned(), places.iter().map(|place| (*place).to_owned()).collect()),
                "{field:?}"
            );
        }
    }

    #[test]
    fn an_operation_s_value_leads_to_it_and_what_is_copied_to_where_it_was() {
        let patches = "\
patches:
- target: {kind: Deployment}
  patch: |-
    - {op: add, path: /spec/replicas, value: 5}
    - {op: copy, from: /metadata/labels/app, path: /spec/app}
";
        assert_eq!(origins(patches, &[], &["spec", "replicas"]), ("5".to_owned(), vec!["k.yaml inside:1".to_owned()]));
        assert_eq!(origins(patches, &[], &["spec", "app"]), ("cart".to_owned(), vec!["base.yaml:3".to_owned()]));
    }

    #[test]
    fn a_replacement_leads_to_its_source_and_to_what_it_leaves() {
        let replacements = "\
replacements:
- source: {kind: Deployment, fieldPath: metadata.labels.app}
  targets:
  - select: {kind: Deployment}
    fieldPaths: ['spec.template.spec.containers.[name=web].image']
    options: {delimiter: ':', index: 1}
";
        let image = ["spec", "template", "spec", "containers", "0", "image"];
        let places = vec!["base.yaml:3".to_owned(), "base.yaml:8".to_owned()];
        assert_eq!(origins(replacements, &[], &image), ("acme/cart:cart".to_owned(), places));
    }
}
