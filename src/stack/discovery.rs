//! Finds the stacks of a repository that names none: charts, kustomizations, root modules, and folders of plain manifests.
//!
//! What a chart, a kustomization or a module holds is its source and no stack of its own.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Stack, config::StackConfig};
use crate::{
    engine::{Declaration, Language, manifest::Folder, reads::Reads},
    source::{
        path::RepoPath,
        tree::{Entry, EntryKind, SourceTree, entry, within},
        yaml::{
            parse::parse,
            resolve::{Reader, value},
        },
    },
};

/// A kustomization refers to others; this many are followed.
const MAX_KUSTOMIZATIONS: usize = 1_000;

/// A stack as the configuration describes it.
pub fn configured(tree: &dyn SourceTree, stack: &StackConfig) -> Stack {
    let declaration = match stack {
        StackConfig { manifests: Some(manifests), .. } => {
            Declaration::Manifests(Folder { path: manifests.path.clone(), recurse: manifests.recurse })
        }
        StackConfig { helm: Some(helm), .. } => {
            let reads = Reads { files: helm.values.iter().cloned().collect(), folders: [helm.chart.clone()].into() };
            Declaration::Foreign { language: Language::Helm, reads }
        }
        StackConfig { kustomize: Some(kustomize), .. } => {
            Declaration::Foreign { language: Language::Kustomize, reads: kustomization_reads(tree, &kustomize.path) }
        }
        StackConfig { terraform, .. } => {
            let (root, files) = match terraform {
                Some(terraform) => (terraform.root.clone(), terraform.var_files.iter().cloned().collect()),
                None => (RepoPath::root(), BTreeSet::new()),
            };
            Declaration::Foreign { language: Language::Terraform, reads: Reads { files, folders: [root].into() } }
        }
    };
    Stack { name: stack.name.clone(), declaration, cluster: stack.cluster.clone() }
}

/// All stacks that the files themselves declare, sorted by name.
pub fn discover(tree: &dyn SourceTree) -> Vec<Stack> {
    let files: Vec<&Entry> = tree.entries().iter().filter(|entry| is_plain(entry)).collect();
    let folders_with = |fits: &dyn Fn(&RepoPath) -> bool| -> BTreeSet<RepoPath> {
        files.iter().filter(|entry| fits(&entry.path)).filter_map(|entry| entry.path.parent()).collect()
    };
    let charts = folders_with(&|path| path.name() == "Chart.yaml");
    let modules = folders_with(&|path| path.name().ends_with(".tf") || path.name().ends_with(".tf.json"));
    let in_chart = |path: &RepoPath| charts.iter().any(|chart| path.is_within(chart));
    let kustomizations: BTreeSet<RepoPath> =
        folders_with(&|path| is_kustomization(path.name())).into_iter().filter(|folder| !in_chart(folder)).collect();

    let mut stacks = Vec::new();
    let mut foreign = |name: &RepoPath, language: Language, reads: Reads| {
        stacks.push(Stack {
            name: name.to_string(),
            declaration: Declaration::Foreign { language, reads },
            cluster: None,
        });
    };
    for chart in charts.iter().filter(|chart| chart.parent().is_none_or(|above| !in_chart(&above))) {
        foreign(chart, Language::Helm, Reads { folders: [chart.clone()].into(), ..Reads::default() });
    }
    let mut kustomized = Reads::default();
    for folder in &kustomizations {
        let reads = kustomization_reads(tree, folder);
        kustomized.files.extend(reads.files.iter().cloned());
        foreign(folder, Language::Kustomize, reads);
    }
    for folder in &modules {
        foreign(folder, Language::Terraform, Reads { folders: [folder.clone()].into(), ..Reads::default() });
    }
    let taken = |path: &RepoPath| in_chart(path) || kustomized.covers(path);
    let plain = folders_with(&|path| matches!(path.extension().as_str(), "yaml" | "yml" | "json") && !taken(path));
    for folder in plain.iter().filter(|folder| !kustomizations.contains(folder)) {
        let declaration = Declaration::Manifests(Folder { path: folder.clone(), recurse: false });
        stacks.push(Stack { name: folder.to_string(), declaration, cluster: None });
    }
    stacks.sort_by(|a, b| a.name.cmp(&b.name));
    stacks
}

/// The files that a kustomization may read: whatever its text names that exists, followed through further kustomizations.
///
/// This is more than it does read, never less: an edit of any of them is withheld while kustomizations cannot be evaluated.
fn kustomization_reads(tree: &dyn SourceTree, folder: &RepoPath) -> Reads {
    let (mut reads, mut seen, mut todo) = (Reads::default(), BTreeSet::new(), vec![folder.clone()]);
    while let Some(folder) = todo.pop() {
        if !seen.insert(folder.clone()) || seen.len() > MAX_KUSTOMIZATIONS {
            continue;
        }
        let files = within(tree, &folder).map(|entry| &entry.path);
        for path in files.filter(|path| path.parent().as_ref() == Some(&folder) && is_kustomization(path.name())) {
            reads.files.insert(path.clone());
            for reference in strings_of(tree, path) {
                // Generators write `key=file`.
                let reference = reference.rsplit_once('=').map_or(reference.as_str(), |(_, file)| file);
                let Ok(target) = folder.resolve(reference) else { continue };
                if entry(tree, &target).is_some() {
                    reads.files.insert(target);
                } else if within(tree, &target).next().is_some() {
                    todo.push(target);
                }
            }
        }
    }
    reads
}

/// Every short text of a YAML file, the ones that may name a file or folder.
fn strings_of(tree: &dyn SourceTree, path: &RepoPath) -> Vec<String> {
    let Ok(bytes) = tree.read(path) else { return Vec::new() };
    let Some(stream) = std::str::from_utf8(&bytes).ok().and_then(|text| parse(text).ok()) else { return Vec::new() };
    let mut found = Vec::new();
    for document in &stream.documents {
        let root = document.root.and_then(|root| value(document, root, Reader::Manifest).ok());
        let mut todo: Vec<Value> = root.into_iter().collect();
        while let Some(next) = todo.pop() {
            match next {
                Value::String(text) if text.len() < 300 && !text.contains('\n') => found.push(text),
                Value::Array(items) => todo.extend(items),
                Value::Object(map) => todo.extend(map.into_iter().map(|(_, value)| value)),
                _ => {}
            }
        }
    }
    found
}

fn is_kustomization(name: &str) -> bool {
    matches!(name, "kustomization.yaml" | "kustomization.yml" | "Kustomization")
}

/// A regular file outside hidden folders.
fn is_plain(entry: &Entry) -> bool {
    let regular = matches!(entry.kind, EntryKind::File | EntryKind::Executable);
    regular && !entry.path.as_str().split('/').any(|part| part.starts_with('.'))
}
