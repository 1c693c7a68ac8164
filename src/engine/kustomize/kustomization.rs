//! A kustomization file: found, checked and brought into its one present form.
//!
//! Kustomize decodes the file strictly into Go's structures: a field that it does not know, or one of the wrong type, ends
//! the build, while names may be in any case and older names still count. All of that is settled here, so that whoever reads
//! a part of the file finds known keys with values of the right type, and nothing that stands for nothing.
//!
//! References: `api/types/kustomization.go` and `api/internal/target/kusttarget.go` of Kustomize 5.5.0.

mod shape;

use super::{
    context::Context,
    folder::Folder,
    leaf::SourceId,
    load,
    node::{Content, Entry, Node, made},
    problem::Problem,
};
use crate::source::{
    lineage::text::Text,
    path::RepoPath,
    tree::{EntryKind, SourceTree, entry},
    yaml::resolve::Reader,
};

/// The names that a kustomization's file may have.
pub const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// A kustomization file.
#[derive(Clone, Debug)]
pub struct Kustomization {
    /// The file.
    pub file: SourceId,
    /// Its folder.
    pub folder: Folder,
    /// Whether it is a component: part of the kustomizations that name it.
    pub is_component: bool,
    /// The file's fields by their present names.
    root: Node,
}

impl Kustomization {
    /// Finds and reads the kustomization of a folder.
    ///
    /// # Errors
    /// Where there is none or more than one, or where it is not one.
    pub fn read(folder: Folder, context: &mut Context<'_>) -> Result<Self, Problem> {
        let path = find(context.sources.tree(), &folder.path)?;
        let file = folder.file(path.name(), context)?;
        let root = load::first(file, Reader::Manifest, context)
            .map_err(|problem| problem.during(format_args!("invalid Kustomization {path}")))?;
        let root = root.unwrap_or_else(Node::map);
        let span = load::span_of(&root, context);
        let known = shape::known(root).map_err(|problem| match span {
            Some((source, span)) => problem.at(source, span),
            None => problem,
        });
        let mut root = known.map_err(|problem| problem.during(format_args!("invalid Kustomization {path}")))?;
        fix(&mut root);
        if is_empty(&root) {
            return Err(Problem::broken(format!("{path} is empty")));
        }
        let said = |key: &str| root.get(key).and_then(Node::text).unwrap_or_default();
        let is_component = match said("kind") {
            "" | "Kustomization" => false,
            "Component" => true,
            _ => return Err(Problem::broken(format!("{path}: kind should be Kustomization or Component"))),
        };
        let version = if is_component { "v1alpha1" } else { "v1beta1" };
        let required = format!("kustomize.config.k8s.io/{version}");
        if !["", required.as_str()].contains(&said("apiVersion")) {
            let kind = if is_component { "Component" } else { "Kustomization" };
            return Err(Problem::broken(format!("{path}: apiVersion for {kind} should be {required}")));
        }
        Ok(Self { file, folder, is_component, root })
    }

    /// A field; nothing where the file says nothing or `null`.
    pub fn get(&self, field: &str) -> Option<&Node> {
        self.root.get(field)
    }

    /// The items of a field that is a list.
    pub fn list(&self, field: &str) -> &[Node] {
        self.get(field).and_then(Node::items).unwrap_or_default()
    }

    /// A field that is a text, where it says one.
    pub fn text(&self, field: &str) -> Option<&Text> {
        self.get(field).and_then(Node::as_scalar).map(|scalar| &scalar.text).filter(|text| !text.is_empty())
    }

    /// The items of a field that is a list of texts.
    pub fn texts(&self, field: &str) -> impl Iterator<Item = &str> {
        self.list(field).iter().map(|item| item.text().unwrap_or_default())
    }
}

/// The kustomization's file in a folder.
///
/// # Errors
/// Where there is none, or more than one.
pub fn find(tree: &dyn SourceTree, folder: &RepoPath) -> Result<RepoPath, Problem> {
    let there = NAMES.iter().filter_map(|name| folder.resolve(name).ok()).filter_map(|path| entry(tree, &path));
    let there: Vec<_> = there.collect();
    match there[..] {
        [] => Err(Problem::broken(format!(
            "unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory '{folder}'"
        ))),
        [one] if matches!(one.kind, EntryKind::Symlink | EntryKind::Submodule) => {
            Err(Problem::unsupported(format!("{} is a link, which is never followed", one.path)))
        }
        [one] => Ok(one.path.clone()),
        _ => Err(Problem::broken(format!("Found multiple kustomization files under: {folder}"))),
    }
}

/// Brings older fields into their present place (`FixKustomization`).
fn fix(root: &mut Node) {
    append(root, "bases", "resources");
    append(root, "imageTags", "images");
    for generator in ["configMapGenerator", "secretGenerator"] {
        for item in root.get_mut(generator).and_then(Node::items_mut).into_iter().flatten() {
            if let Some(entry) =
                item.remove("env").filter(|entry| entry.value.text().is_some_and(|text| !text.is_empty()))
            {
                push(item, "envs", vec![entry.value]);
            }
        }
    }
    let Some(inflations) = root.remove("helmChartInflationGenerator") else { return };
    let Content::List(items) = inflations.value.content else { return };
    let (mut charts, mut globals) = (Vec::new(), Node::map());
    for item in items {
        charts.push(chart(&item));
        for (old, new) in [("helmHome", "configHome"), ("chartHome", "chartHome")] {
            if let Some(value) = item.get(old).filter(|value| value.text().is_some_and(|text| !text.is_empty())) {
                globals.set(made(new), value.clone());
            }
        }
    }
    if root.get("helmGlobals").is_none() && globals.entries().is_some_and(|entries| !entries.is_empty()) {
        root.set(made("helmGlobals"), globals);
    }
    push(root, "helmCharts", charts);
}

/// An item of `helmChartInflationGenerator` as one of `helmCharts`.
fn chart(old: &Node) -> Node {
    let names = [
        ("chartName", "name"),
        ("chartVersion", "version"),
        ("chartRepoUrl", "repo"),
        ("values", "valuesFile"),
        ("valuesLocal", "valuesInline"),
        ("valuesMerge", "valuesMerge"),
        ("releaseName", "releaseName"),
    ];
    let entries = names
        .into_iter()
        .filter_map(|(old_name, name)| Some(Entry { key: made(name), value: old.get(old_name)?.clone() }));
    Node { content: Content::Map(entries.collect()), places: old.places }
}

fn append(root: &mut Node, older: &str, present: &str) {
    let Some(Entry { value: Node { content: Content::List(items), .. }, .. }) = root.remove(older) else { return };
    push(root, present, items);
}

/// Adds items to a list, which is made where it is not there and there is an item.
fn push(map: &mut Node, key: &str, items: Vec<Node>) {
    match map.get_mut(key).and_then(Node::items_mut) {
        Some(known) => known.extend(items),
        None if items.is_empty() => {}
        None => map.set(made(key), Node { content: Content::List(items), ..Node::list() }),
    }
}

/// Tells whether the file says nothing but what it is (`CheckEmpty`).
fn is_empty(root: &Node) -> bool {
    let says = |entry: &Entry| {
        let is_type = ["apiVersion", "kind"].iter().any(|key| entry.key.bytes() == key.as_bytes());
        !is_type && entry.value.as_scalar().is_none_or(|scalar| !scalar.text.is_empty())
    };
    !root.entries().is_some_and(|entries| entries.iter().any(says))
}
