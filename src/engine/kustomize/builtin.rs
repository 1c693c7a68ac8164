//! `generators:`, `transformers:` and `validators:`: Kustomize's own plugins, configured by objects of their own.
//!
//! A plugin of Kustomize has the `apiVersion: builtin`; its kind says which one it is, and its other fields are its arguments.
//! It does what a field of a kustomization does, with field specifications of its own. Every other plugin is a program, and
//! refused.
//!
//! References: `api/internal/plugins/loader`, `builtinhelpers` and `api/internal/builtins` of Kustomize 5.5.0.

pub mod identity_policy;
pub mod value;

use super::{
    context::Context,
    field_spec::FieldSpec,
    fields::{fields, flag, items, pairs, text},
    folder::Folder,
    generators::{Arguments, Made},
    hash, helm_charts,
    identity::Gvk,
    images::Image,
    labels, names,
    namespace::{self, Subjects},
    node::{Content, Entry, Node, made},
    patches::{self, Patch},
    problem::Problem,
    replacements::{self, Replacement},
    replicas::Replicas,
    resources::{Resource, Resources},
};

/// The label that a validator may set.
const VALIDATED_BY: &str = "validated-by";

/// What a plugin is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plugin {
    Generator,
    Transformer,
}

/// The objects that a generator makes.
///
/// # Errors
/// Where it is none of Kustomize's own, and where those fail.
pub fn generate(config: &Resource, folder: &Folder, context: &mut Context<'_>) -> Result<Resources, Problem> {
    let (source, span) = config.declared;
    let made = plugin(config).and_then(|plugin| match plugin {
        Plugin::Generator => generated(config, folder, context),
        Plugin::Transformer => Err(Problem::broken(format!("plugin {} not a generator", config.first_id()))),
    });
    made.map_err(|problem| problem.at(source, span))
}

/// Lets a transformer work on objects.
///
/// # Errors
/// Where it is none of Kustomize's own, and where those fail.
pub fn transform(
    config: &Resource,
    folder: &Folder,
    resources: &mut Resources,
    context: &mut Context<'_>,
) -> Result<(), Problem> {
    let (source, span) = config.declared;
    let done = plugin(config).and_then(|plugin| match plugin {
        Plugin::Transformer => transformed(config, folder, resources, context),
        Plugin::Generator => Err(Problem::broken(format!("plugin {} not a transformer", config.first_id()))),
    });
    done.map_err(|problem| problem.at(source, span))
}

/// Lets a validator look at objects: a transformer that may change nothing but the label `validated-by`.
///
/// # Errors
/// Where it changes something else, and as [`transform`].
pub fn validate(
    config: &Resource,
    folder: &Folder,
    resources: &mut Resources,
    context: &mut Context<'_>,
) -> Result<(), Problem> {
    let before = resources.clone();
    transform(config, folder, resources, context)?;
    let mut after = resources.clone();
    for resource in &mut after.list {
        let labels = resource.node.at_mut(&["metadata", "labels"]);
        let is_rest_empty = labels.and_then(|labels| {
            labels.remove(VALIDATED_BY)?;
            labels.entries().map(<[_]>::is_empty)
        });
        if is_rest_empty == Some(true)
            && let Some(metadata) = resource.node.get_mut("metadata")
        {
            metadata.remove("labels");
        }
    }
    context.spend(before.list.len() * 2)?;
    let same = |(a, b): (&Resource, &Resource)| a.previous == b.previous && a.node.to_json() == b.node.to_json();
    if before.list.len() == after.list.len() && before.list.iter().zip(&after.list).all(same) {
        return Ok(());
    }
    let (source, span) = config.declared;
    Err(Problem::broken("validator shouldn't modify the resource map").at(source, span))
}

fn plugin(config: &Resource) -> Result<Plugin, Problem> {
    let gvk = config.id().gvk;
    if !(gvk.group.is_empty() && gvk.version == "builtin") {
        let kind = gvk.kind;
        return Err(Problem::unsupported(format!("the plugin {kind}: a program that is not Kustomize's own")));
    }
    match gvk.kind.as_str() {
        "ConfigMapGenerator" | "SecretGenerator" | "HelmChartInflationGenerator" | "IAMPolicyGenerator" => {
            Ok(Plugin::Generator)
        }
        "AnnotationsTransformer"
        | "HashTransformer"
        | "ImageTagTransformer"
        | "LabelTransformer"
        | "NamespaceTransformer"
        | "PatchJson6902Transformer"
        | "PatchStrategicMergeTransformer"
        | "PatchTransformer"
        | "PrefixSuffixTransformer"
        | "PrefixTransformer"
        | "SuffixTransformer"
        | "ReplacementTransformer"
        | "ReplicaCountTransformer"
        | "ValueAddTransformer" => Ok(Plugin::Transformer),
        kind => Err(Problem::broken(format!("unable to load builtin {kind}.builtin.[noGrp]"))),
    }
}

fn generated(config: &Resource, folder: &Folder, context: &mut Context<'_>) -> Result<Resources, Problem> {
    let node = &config.node;
    let made = match config.kind() {
        "ConfigMapGenerator" => Made::ConfigMap,
        "SecretGenerator" => Made::Secret,
        "HelmChartInflationGenerator" => return helm_charts::inflate(node, Some(node), folder, context),
        _ => return Ok(Resources { list: vec![identity_policy::service_account(node, config.declared, context)?] }),
    };
    let resource = Arguments::of_plugin(node, made)?.generate(config.declared, folder, context)?;
    Ok(Resources { list: vec![resource] })
}

fn transformed(
    config: &Resource,
    folder: &Folder,
    resources: &mut Resources,
    context: &mut Context<'_>,
) -> Result<(), Problem> {
    let node = &config.node;
    let specs = field_specs(node)?;
    match config.kind() {
        "AnnotationsTransformer" => labels::set(&map(node, "annotations")?, &specs, resources, context),
        "HashTransformer" => hash::apply(resources, context),
        "ImageTagTransformer" => Image::read(&part(node, "imageTag")?)?.apply(&specs, resources, context),
        "LabelTransformer" => labels::set(&map(node, "labels")?, &specs, resources, context),
        "NamespaceTransformer" => in_namespace(node, &specs, resources, context),
        "PrefixSuffixTransformer" => {
            affixed(node, "prefix", resources, context)?;
            affixed(node, "suffix", resources, context)
        }
        "PrefixTransformer" => affixed(node, "prefix", resources, context),
        "SuffixTransformer" => affixed(node, "suffix", resources, context),
        "ReplicaCountTransformer" => Replicas::read(&part(node, "replica")?)?.apply(&specs, resources, context),
        "ValueAddTransformer" => value::add(node, folder, resources, context),
        "PatchJson6902Transformer" => operations(node)?.apply(folder, resources, context),
        "PatchStrategicMergeTransformer" => merged(node, folder, resources, context),
        "PatchTransformer" => {
            Patch::read(&only(node, &["path", "patch", "target", "options"]))?.apply(folder, resources, context)
        }
        "ReplacementTransformer" => {
            let [replacements] = fields(node, ["replacements"])?;
            let read: Vec<_> = items(replacements)?.iter().map(Replacement::read).collect::<Result<_, _>>()?;
            replacements::apply(&read, folder, resources, context)
        }
        kind => Err(Problem::broken(format!("unable to load builtin {kind}"))),
    }
}

/// The patch of a `PatchJson6902Transformer`, which calls the operations `jsonOp`.
fn operations(config: &Node) -> Result<Patch, Problem> {
    let mut patch = only(config, &["path", "target"]);
    let [operations] = fields(config, ["jsonOp"])?;
    if let Some(operations) = operations {
        patch.set(made("patch"), operations.clone());
    }
    Patch::operations(&patch)
}

/// What `PatchStrategicMergeTransformer.go` does with its configuration.
fn merged(config: &Node, folder: &Folder, resources: &mut Resources, context: &mut Context<'_>) -> Result<(), Problem> {
    let [paths, patches] = fields(config, ["paths", "patches"])?;
    let mut all = items(paths)?.to_vec();
    all.extend(patches.filter(|patches| patches.text().is_some_and(|text| !text.is_empty())).cloned());
    if all.is_empty() {
        return Err(Problem::broken("empty file path and empty patch content"));
    }
    patches::apply_strategic(&all, folder, resources, context)
}

/// What `NamespaceTransformer.go` does with its configuration.
fn in_namespace(
    config: &Node,
    specs: &[FieldSpec],
    resources: &mut Resources,
    context: &mut Context<'_>,
) -> Result<(), Problem> {
    let [unset_only, subjects] = fields(config, ["unsetOnly", "setRoleBindingSubjects"])?;
    let options =
        namespace::Options { subjects: Subjects::read(&text(subjects)?.lossy())?, unset_only: flag(unset_only)? };
    let [namespace] = fields(&part(config, "metadata")?, ["namespace"]).map(|[namespace]| [namespace.cloned()])?;
    namespace::apply_with(&text(namespace.as_ref())?, specs, options, resources, context)
}

/// What `PrefixTransformer.go` and `SuffixTransformer.go` do with their configuration.
fn affixed(
    config: &Node,
    side: &'static str,
    resources: &mut Resources,
    context: &mut Context<'_>,
) -> Result<(), Problem> {
    let [affix, specs] = fields(config, [side, "fieldSpecs"])?;
    if specs.is_none() {
        return Err(Problem::broken("fieldSpecs is not expected to be nil"));
    }
    let (affix, specs) = (text(affix)?, field_specs(config)?);
    match side {
        "prefix" => names::prefix(&affix, &specs, resources, context),
        _ => names::suffix(&affix, &specs, resources, context),
    }
}

/// A map with those of its entries whose names are known, in any case.
fn only(config: &Node, names: &[&str]) -> Node {
    let known = |entry: &&Entry| names.iter().any(|name| name.eq_ignore_ascii_case(&entry.key.lossy()));
    match config.entries() {
        Some(entries) => {
            Node { content: Content::Map(entries.iter().filter(known).cloned().collect()), places: config.places }
        }
        None => config.clone(),
    }
}

/// A field that is a map; an empty one where there is none.
fn part(config: &Node, name: &str) -> Result<Node, Problem> {
    let [part] = fields(config, [name])?;
    Ok(part.cloned().unwrap_or_else(|| Node { places: config.places, ..Node::map() }))
}

/// A field that is a map of texts.
fn map(config: &Node, name: &str) -> Result<Node, Problem> {
    let [map] = fields(config, [name])?;
    Ok(Node { content: Content::Map(pairs(map)?), places: map.unwrap_or(config).places })
}

/// The `fieldSpecs` of a plugin; none where there are none.
fn field_specs(config: &Node) -> Result<Vec<FieldSpec>, Problem> {
    let [specs] = fields(config, ["fieldSpecs"])?;
    let field_spec = |item: &Node| {
        let [group, version, kind, path, create] = fields(item, ["group", "version", "kind", "path", "create"])?;
        let said = |node: Option<&Node>| text(node).map(|text| text.lossy().into_owned());
        let gvk = Gvk { group: said(group)?, version: said(version)?, kind: said(kind)? };
        Ok(FieldSpec { gvk, path: said(path)?, create: flag(create)? })
    };
    items(specs)?.iter().map(field_spec).collect()
}
