//! The order of a build: what a kustomization reads, makes and changes, and when.
//!
//! Each kustomization works on what those below it have made, in one fixed order. What can only be done once all names are
//! settled is done at the top, once: hashes, references to names, variables, the order of the output.
//!
//! References: `api/internal/target/kusttarget.go` and `kusttarget_configplugin.go`, `api/krusty/kustomizer.go` of Kustomize
//! 5.5.0.

use std::sync::Arc;

use super::{
    annotations, builtin,
    context::Context,
    folder::{Folder, Target},
    generators, hash, helm_charts,
    images::Image,
    kustomization::Kustomization,
    labels::{self, Labels},
    leaf::Leaf,
    load, names, namespace,
    node::{Content, Entry, Node, Tag, made},
    order,
    patches::{self, Patch},
    problem::Problem,
    references,
    replacements::{self, Replacement},
    replicas::Replicas,
    resources::{Resource, Resources},
    schema::Schemas,
    sources::Inside,
    tables::Tables,
    tracking::{self, Maker, Trail},
    variables::Variables,
};
use crate::source::path::RepoPath;

/// How many kustomizations may include one another.
const MAX_DEPTH: usize = 32;

/// The steps that reading one kustomization counts for.
const STEPS: usize = 2_000;

/// What is accumulated on the way up.
struct Accumulator {
    resources: Resources,
    /// Which fields names, labels and the like go to: a base's `configurations` count for what is above it as well.
    tables: Arc<Tables>,
    variables: Variables,
    /// The kustomizations that were built, in the order of their ends.
    done: Vec<Kustomization>,
}

impl Accumulator {
    fn new(context: &Context<'_>) -> Self {
        let (resources, variables, done) = Default::default();
        Self { resources, tables: context.merges.none(), variables, done }
    }
}

/// What a kustomization comes to.
pub struct Built {
    /// The objects as they are printed, in the order of the output.
    pub resources: Resources,
    /// The kustomizations that were built on the way, the outermost first.
    pub kustomizations: Vec<Kustomization>,
}

/// The folders from the top kustomization to one below it.
struct Way<'w> {
    folder: &'w RepoPath,
    above: Option<&'w Self>,
    depth: usize,
    /// How references lead there, where the objects are to say so.
    trail: Option<Trail>,
}

/// Builds the kustomization of a folder: its objects as they are printed, in the order of the output.
///
/// # Errors
/// Where Kustomize fails, or where this version cannot go on.
pub fn build(folder: Folder, context: &mut Context<'_>) -> Result<Built, Problem> {
    let top = Kustomization::read(folder, context)?;
    Schemas::choose(top.get("openapi"), true, false, &top.folder, context)?;
    let way = Way { folder: &top.folder.path, above: None, depth: 1, trail: Trail::of(&top) };
    let accumulated = accumulate(&top, Accumulator::new(context), &way, context)?;
    let Accumulator { mut resources, tables, variables, mut done } = accumulated;
    hash::apply(&mut resources, context)?;
    references::fix(&tables, &mut resources, context)?;
    variables.resolve(&tables, &mut resources, context)?;
    drop_local(&mut resources)?;
    order::sort(&mut resources, top.get("sortOptions"))?;
    annotate(&mut resources, &top);
    for resource in &mut resources.list {
        clean_up(resource)?;
    }
    done.reverse();
    Ok(Built { resources, kustomizations: done })
}

/// Lets a kustomization work on what is there already, which is what is above it for a component and nothing for others.
fn accumulate(
    kustomization: &Kustomization,
    mut into: Accumulator,
    way: &Way<'_>,
    context: &mut Context<'_>,
) -> Result<Accumulator, Problem> {
    for reference in kustomization.texts("resources") {
        add(reference, &mut into, kustomization, way, context)
            .map_err(|problem| problem.during(format_args!("accumulating resources from '{reference}'")))?;
    }
    let own = Tables::configured(kustomization.texts("configurations"), &kustomization.folder, context)?;
    into.tables = Tables::merged(&into.tables, &own, context)?;
    let of_definitions = Tables::of_definitions(kustomization.texts("crds"), &kustomization.folder, context)?;
    into.tables = Tables::merged(&into.tables, &of_definitions, context)?;
    generate(&mut into.resources, kustomization, way, context)?;
    for reference in kustomization.texts("components") {
        into = component(reference, into, kustomization, way, context)
            .map_err(|problem| problem.during(format_args!("accumulating components from '{reference}'")))?;
    }
    for resource in &mut into.resources.list {
        let id = resource.id();
        resource.entered.push((kustomization.file, id));
    }
    transform(&mut into, kustomization, way, context)?;
    into.done.push(kustomization.clone());
    into.variables.declare(kustomization.list("vars"), &mut into.resources, context)?;
    Ok(into)
}

/// Adds what the generators make.
fn generate(
    resources: &mut Resources,
    kustomization: &Kustomization,
    way: &Way<'_>,
    context: &mut Context<'_>,
) -> Result<(), Problem> {
    let (folder, options) = (&kustomization.folder, kustomization.get("generatorOptions"));
    let by = way.maker(kustomization, "ConfigMapGenerator", context);
    for item in kustomization.list("configMapGenerator") {
        absorb(generators::config_map(item, options, folder, context)?, by.as_ref(), resources, context)?;
    }
    let by = way.maker(kustomization, "SecretGenerator", context);
    for item in kustomization.list("secretGenerator") {
        absorb(generators::secret(item, options, folder, context)?, by.as_ref(), resources, context)?;
    }
    let by = way.maker(kustomization, "HelmChartInflationGenerator", context);
    for item in kustomization.list("helmCharts") {
        let made = helm_charts::inflate(item, kustomization.get("helmGlobals"), folder, context)?;
        made.list.into_iter().try_for_each(|resource| absorb(resource, by.as_ref(), resources, context))?;
    }
    for plugin in plugins("generators", kustomization, way, context)?.list {
        let (made, by) = (builtin::generate(&plugin, folder, context)?, Maker::of_plugin(&plugin));
        made.list.into_iter().try_for_each(|resource| absorb(resource, by.as_ref(), resources, context))?;
    }
    Ok(())
}

/// Adds an object that a generator made.
fn absorb(
    mut resource: Resource,
    by: Option<&Maker>,
    resources: &mut Resources,
    context: &mut Context<'_>,
) -> Result<(), Problem> {
    let Some(by) = by else { return generators::absorb(resource, resources, context) };
    by.claim(&mut resource);
    let kept = tracking::kept(&resource, resources);
    generators::absorb(resource, resources, context)?;
    tracking::keep(resources, kept);
    Ok(())
}

/// The objects that configure plugins: texts of the kustomization, then what its entries name.
fn plugins(
    field: &str,
    kustomization: &Kustomization,
    way: &Way<'_>,
    context: &mut Context<'_>,
) -> Result<Resources, Problem> {
    let (mut found, mut references) = (Accumulator::new(context), Vec::new());
    for item in kustomization.list(field) {
        let text = item.text().unwrap_or_default();
        let leaf = context.sets.leaves(item.places).next().map(|leaf| context.sets.get(leaf).clone());
        let inline = match leaf {
            Some(Leaf::Node { source, document, node }) => {
                let source = context.sources.text(Inside { source, document, node, start: 0 }, text);
                load::resources(source, context).ok()
            }
            _ => None,
        };
        match inline {
            Some(mut objects) => {
                if let Some(trail) = &way.trail {
                    trail.annotate(context.sources.get(kustomization.file).path.name(), &mut objects)?;
                }
                found.resources.append_all(objects)?;
            }
            None => references.push(text),
        }
    }
    for reference in references {
        add(reference, &mut found, kustomization, way, context)
            .map_err(|problem| problem.during(format_args!("{field}: '{reference}'")))?;
    }
    Ok(found.resources)
}

/// Changes what is there.
fn transform(
    into: &mut Accumulator,
    kustomization: &Kustomization,
    way: &Way<'_>,
    context: &mut Context<'_>,
) -> Result<(), Problem> {
    let Accumulator { resources, tables, .. } = into;
    let folder = &kustomization.folder;
    let by = |kind: &str, context: &Context<'_>| way.maker(kustomization, kind, context);
    let strategic = kustomization.list("patchesStrategicMerge");
    if !strategic.is_empty() {
        patches::apply_strategic(strategic, folder, resources, context)?;
        note(by("PatchStrategicMergeTransformer", context), resources)?;
    }
    let read = |field: &str, read: fn(&Node) -> Result<Patch, Problem>| -> Result<Vec<Patch>, Problem> {
        kustomization.list(field).iter().map(read).collect()
    };
    let patched = |patches: &[Patch], by: Option<Maker>, resources: &mut Resources, context: &mut Context<'_>| match by
    {
        None => patches::apply(patches, folder, resources, context),
        Some(by) => patches.iter().try_for_each(|patch| {
            patch.apply(folder, resources, context)?;
            by.transformed(resources)
        }),
    };
    let patches = read("patches", Patch::read)?;
    patched(&patches, by("PatchTransformer", context), resources, context)?;
    if let Some(to) = kustomization.text("namespace") {
        namespace::apply(to, &tables.namespace, resources, context)?;
        note(by("NamespaceTransformer", context).filter(|_| !to.is_empty()), resources)?;
    }
    if let Some(prefix) = kustomization.text("namePrefix") {
        names::prefix(prefix, &tables.name_prefix, resources, context)?;
        note(by("PrefixTransformer", context).filter(|_| !prefix.is_empty()), resources)?;
    }
    if let Some(suffix) = kustomization.text("nameSuffix") {
        names::suffix(suffix, &tables.name_suffix, resources, context)?;
        note(by("SuffixTransformer", context).filter(|_| !suffix.is_empty()), resources)?;
    }
    let labelling = by("LabelTransformer", context);
    for item in kustomization.list("labels") {
        Labels::read(item)?.apply(tables, resources, context)?;
        note(labelling.clone(), resources)?;
    }
    let is_map = |node: &&Node| matches!(&node.content, Content::Map(entries) if !entries.is_empty());
    let common = kustomization.get("commonLabels");
    if let Some(pairs) = common {
        labels::common(pairs, tables, resources, context)?;
    }
    if common.filter(is_map).is_some() || !kustomization.list("labels").is_empty() {
        // Where there are labels of either kind, Kustomize runs one transformer more for the common ones.
        note(labelling, resources)?;
    }
    if let Some(pairs) = kustomization.get("commonAnnotations") {
        annotations::common(pairs, tables, resources, context)?;
        note(by("AnnotationsTransformer", context).filter(|_| is_map(&pairs)), resources)?;
    }
    let patches = read("patchesJson6902", Patch::operations)?;
    patched(&patches, by("PatchJson6902Transformer", context), resources, context)?;
    for item in kustomization.list("replicas") {
        Replicas::read(item)?.apply(&tables.replicas, resources, context)?;
        note(by("ReplicaCountTransformer", context), resources)?;
    }
    for item in kustomization.list("images") {
        Image::read(item)?.apply(&tables.images, resources, context)?;
        note(by("ImageTagTransformer", context), resources)?;
    }
    let replacements =
        kustomization.list("replacements").iter().map(Replacement::read).collect::<Result<Vec<_>, _>>()?;
    replacements::apply(&replacements, folder, resources, context)?;
    note(by("ReplacementTransformer", context).filter(|_| !replacements.is_empty()), resources)?;
    for plugin in plugins("transformers", kustomization, way, context)?.list {
        builtin::transform(&plugin, folder, resources, context)?;
        note(Maker::of_plugin(&plugin), resources)?;
    }
    for plugin in plugins("validators", kustomization, way, context)?.list {
        builtin::validate(&plugin, folder, resources, context)?;
    }
    Ok(())
}

/// Has the objects say what worked on them, where they are to.
fn note(by: Option<Maker>, resources: &mut Resources) -> Result<(), Problem> {
    by.map_or(Ok(()), |by| by.transformed(resources))
}

/// Adds what a reference stands for: the objects of a file, or what the kustomization of a folder makes.
fn add(
    reference: &str,
    into: &mut Accumulator,
    kustomization: &Kustomization,
    way: &Way<'_>,
    context: &mut Context<'_>,
) -> Result<(), Problem> {
    match kustomization.folder.target(reference, context)? {
        Target::File(_) => {
            let source = kustomization.folder.file(reference, context)?;
            let mut objects = load::resources(source, context)?;
            if let Some(trail) = &way.trail {
                trail.annotate(reference, &mut objects)?;
            }
            into.resources.append_all(objects)
        }
        Target::Folder(path) => {
            let below = enter(path, &kustomization.folder, way, context)?;
            if below.is_component {
                return Err(Problem::broken(format!("expected kind != 'Component' for path '{}'", below.folder.path)));
            }
            let way = way.below(&below.folder.path, reference)?;
            let made = accumulate(&below, Accumulator::new(context), &way, context)?;
            into.resources.append_all(made.resources)?;
            into.done.extend(made.done);
            into.tables = Tables::merged(&into.tables, &made.tables, context)?;
            into.variables.merge(made.variables)
        }
    }
}

fn component(
    reference: &str,
    into: Accumulator,
    kustomization: &Kustomization,
    way: &Way<'_>,
    context: &mut Context<'_>,
) -> Result<Accumulator, Problem> {
    let path = match kustomization.folder.target(reference, context)? {
        Target::Folder(path) => path,
        Target::File(path) => return Err(Problem::broken(format!("'{path}' must resolve to a directory"))),
    };
    let below = enter(path, &kustomization.folder, way, context)?;
    if !below.is_component {
        return Err(Problem::broken(format!("expected kind 'Component' for path '{}'", below.folder.path)));
    }
    let way = way.below(&below.folder.path, reference)?;
    accumulate(&below, into, &way, context)
}

/// Reads the kustomization of a folder that another one names.
fn enter(path: RepoPath, from: &Folder, way: &Way<'_>, context: &mut Context<'_>) -> Result<Kustomization, Problem> {
    if let Some(visited) = way.visited_within(&path) {
        return Err(Problem::broken(format!(
            "cycle detected: candidate root '{path}' contains visited root '{visited}'"
        )));
    }
    if way.depth >= MAX_DEPTH {
        return Err(Problem::limit(format!("more than {MAX_DEPTH} kustomizations include one another")));
    }
    context.spend(STEPS)?;
    let below = Kustomization::read(Folder { path, ..from.clone() }, context)?;
    let has_objects = context.has_objects;
    Schemas::choose(below.get("openapi"), false, has_objects, &below.folder, context)?;
    Ok(below)
}

impl<'w> Way<'w> {
    fn below<'b>(&'b self, folder: &'b RepoPath, reference: &str) -> Result<Way<'b>, Problem>
    where
        'w: 'b,
    {
        let trail = self.trail.as_ref().map(|trail| trail.to(reference)).transpose()?;
        Ok(Way { folder, above: Some(self), depth: self.depth + 1, trail })
    }

    /// A built-in generator or transformer of the kustomization, where the objects are to name it.
    fn maker(&self, kustomization: &Kustomization, kind: &str, context: &Context<'_>) -> Option<Maker> {
        let file = context.sources.get(kustomization.file).path.name();
        self.trail.as_ref().map(|trail| trail.built_in(file, kind))
    }

    /// A folder on the way that is `candidate` or lies in it.
    fn visited_within(&self, candidate: &RepoPath) -> Option<&RepoPath> {
        let folders = std::iter::successors(Some(self), |way| way.above);
        folders.map(|way| way.folder).find(|folder| folder.is_within(candidate))
    }
}

/// Drops the objects that are only there for others to read (`IgnoreLocal`).
fn drop_local(resources: &mut Resources) -> Result<(), Problem> {
    for resource in &resources.list {
        let (source, span) = resource.declared;
        load::validate(&resource.node).map_err(|problem| problem.at(source, span))?;
    }
    let is_local = |resource: &Resource| {
        let annotation = resource.node.at(&["metadata", "annotations", "config.kubernetes.io/local-config"]);
        annotation.is_some_and(|value| value.text().unwrap_or_default() != "false")
    };
    resources.list.retain(|resource| !is_local(resource));
    Ok(())
}

/// Says in the objects what made them, as `buildMetadata` asks for.
fn annotate(resources: &mut Resources, top: &Kustomization) {
    if top.texts("buildMetadata").any(|option| option == "managedByLabel") {
        for resource in &mut resources.list {
            if resource.node.at(&["metadata", "labels"]).is_none_or(Node::is_null) {
                resource.set_metadata("labels", Node::map());
            }
            if let Some(labels) = resource.node.at_mut(&["metadata", "labels"]) {
                labels.set(made(MANAGED_BY), Node::string(made(VERSION)));
            }
        }
    }
    tracking::clean_up(resources, top);
}

/// The label of `buildMetadata: [managedByLabel]`.
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// What it says in `kubectl`, which is built without the version of its Kustomize.
const VERSION: &str = "kustomize-(devel)";

/// The annotations in which Kustomize and what reads files for it keep notes: they are taken away, whoever wrote them.
const BOOKKEEPING: &[&str] = &[
    "config.k8s.io/id",
    "config.kubernetes.io/index",
    "config.kubernetes.io/path",
    "internal.config.kubernetes.io/allowKindChange",
    "internal.config.kubernetes.io/allowNameChange",
    "internal.config.kubernetes.io/annotations-migration-resource-id",
    "internal.config.kubernetes.io/generatorBehavior",
    "internal.config.kubernetes.io/id",
    "internal.config.kubernetes.io/index",
    "internal.config.kubernetes.io/needsHashSuffix",
    "internal.config.kubernetes.io/path",
    "internal.config.kubernetes.io/prefixes",
    "internal.config.kubernetes.io/previousKinds",
    "internal.config.kubernetes.io/previousNames",
    "internal.config.kubernetes.io/previousNamespaces",
    "internal.config.kubernetes.io/refBy",
    "internal.config.kubernetes.io/seqindent",
    "internal.config.kubernetes.io/suffixes",
];

/// Writes the annotations as Kustomize does when it takes its own away: as texts, sorted, and not at all where there are none.
fn clean_up(resource: &mut Resource) -> Result<(), Problem> {
    let (source, span) = resource.declared;
    if resource.node.get("metadata").is_none() {
        resource.node.set(made("metadata"), Node::map());
    }
    let Some(metadata) = resource.node.get_mut("metadata") else { return Ok(()) };
    let Some(annotations) = metadata.get_mut("annotations") else { return Ok(()) };
    let places = annotations.places;
    let mut entries = match std::mem::replace(&mut annotations.content, Content::Map(Vec::new())) {
        Content::Map(entries) => entries,
        Content::Scalar(_) => Vec::new(),
        Content::List(items) if items.is_empty() => Vec::new(),
        Content::List(_) => return Err(Problem::unsupported("annotations that are a list").at(source, span)),
    };
    metadata.remove("annotations");
    entries.retain(|entry| !BOOKKEEPING.contains(&entry.key.lossy().as_ref()));
    if entries.is_empty() {
        return Ok(());
    }
    for Entry { value, .. } in &mut entries {
        match &mut value.content {
            Content::Scalar(scalar) => scalar.tag = Tag::String,
            Content::List(_) | Content::Map(_) => value.content = Node::string(made("")).content,
        }
    }
    entries.sort_by(|a, b| a.key.bytes().cmp(b.key.bytes()));
    metadata.set(made("annotations"), Node { content: Content::Map(entries), places });
    Ok(())
}
