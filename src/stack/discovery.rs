//! Finds the stacks of a repository that names none: charts, kustomizations, root modules, and folders of plain manifests.
//!
//! What a chart, a kustomization or a module holds is its source and no stack of its own; so is a kustomization that another one
//! includes.

pub mod references;
mod release;

use std::{collections::BTreeSet, iter::successors, sync::Arc};

use self::references::{Kind, References};
use super::{
    Stack,
    config::{Helm, StackConfig, Terraform, Terragrunt},
};
use crate::{
    engine::{
        Declaration, Language, Parsed,
        helm::{
            render::Installation,
            sources::ArgumentKind,
            values::{Argument, Release, ValuesSource},
        },
        kustomize::{kustomization::NAMES, render::Overlay},
        manifest::Folder,
        reads::Reads,
        terraform::{closure::Closures, render::Root, terragrunt},
    },
    model::refusal::{Code, Refusal},
    source::{
        path::RepoPath,
        text::readable,
        tree::{Entry, EntryKind, SourceTree, within},
    },
};

/// Where a chart is released to if nothing says it, as for Helm.
const NAMESPACE: &str = "default";

/// The stacks as the configuration describes them, in its order.
pub fn configured(tree: &dyn SourceTree, stacks: &[StackConfig], parsed: &Parsed) -> Vec<Stack> {
    let mut references = References::of(tree);
    let closures = Closures::of(tree, &parsed.terraform);
    let stack = |stack: &StackConfig| {
        let assumed = stack.helm.as_ref().filter(|helm| helm.namespace.is_none()).map(|_| NAMESPACE.to_owned());
        let declaration = declaration(tree, stack, &mut references, &closures);
        Stack { assumed, ..Stack::bare(stack.name.clone(), declaration, stack.cluster.clone()) }
    };
    stacks.iter().map(stack).collect()
}

fn declaration(
    tree: &dyn SourceTree,
    stack: &StackConfig,
    references: &mut References<'_>,
    closures: &Closures<'_>,
) -> Declaration {
    match stack {
        StackConfig { manifests: Some(manifests), .. } => Declaration::Manifests(Folder {
            path: manifests.path.clone(),
            recurse: manifests.recurse,
            without: Arc::default(),
        }),
        StackConfig { helm: Some(helm), .. } => {
            let release = release(tree, helm);
            Declaration::Helm(Installation::new(tree, helm.chart.clone(), release, helm.include_crds).into())
        }
        StackConfig { kustomize: Some(kustomize), .. } => {
            kustomization(kustomize.path.clone(), kustomize.enable_helm, references)
        }
        StackConfig { terragrunt: Some(Terragrunt { path, workspace }), .. } => {
            unit(tree, path, workspace.clone(), closures).unwrap_or_else(|| no_unit(path))
        }
        StackConfig { terraform, .. } => {
            let Terraform { root, var_files, workspace } = terraform.clone().unwrap_or_default();
            root_module(root, var_files, workspace, closures)
        }
    }
}

fn root_module(
    folder: RepoPath,
    var_files: Vec<RepoPath>,
    workspace: Option<String>,
    closures: &Closures<'_>,
) -> Declaration {
    let mut reads = closures.reads(&folder);
    reads.files.extend(var_files.iter().cloned());
    let modules = closures.modules(&folder).map(Into::into);
    Declaration::Terraform(Root { folder, var_files, unit: None, workspace, reads: reads.into(), modules }.into())
}

/// A unit of Terragrunt; nothing where a file is there for others to include.
fn unit(
    tree: &dyn SourceTree,
    folder: &RepoPath,
    workspace: Option<String>,
    closures: &Closures<'_>,
) -> Option<Declaration> {
    let file = folder.resolve(terragrunt::NAME).ok()?;
    match terragrunt::unit(tree, &file) {
        Ok(None) => None,
        Ok(Some(unit)) => {
            let mut reads = closures.reads(&unit.folder);
            reads.files.extend(unit.asked);
            reads.folders.insert(folder.clone());
            let modules = closures.modules(&unit.folder).map(Into::into);
            let (folder, reads) = (unit.folder, reads.into());
            let root = Root { folder, var_files: Vec::new(), unit: Some(file), workspace, reads, modules };
            Some(Declaration::Terraform(root.into()))
        }
        Err((refusal, asked)) => {
            let beside = within(tree, folder).map(|entry| &entry.path);
            let beside = beside.filter(|path| path.parent().as_ref() == Some(folder)).cloned();
            let reads = Reads { files: asked.into_iter().chain(beside).collect(), ..Reads::default() }.into();
            Some(Declaration::Refused { language: Language::Terraform, reads, refusal })
        }
    }
}

/// What the configuration calls a unit and is none.
fn no_unit(folder: &RepoPath) -> Declaration {
    let message = format!("{folder} is no unit of Terragrunt: it has no source and no file of Terraform");
    let refusal = Refusal::new(Code::StackUnreadable, message, "name the folder of a unit's terragrunt.hcl");
    let reads = Reads { folders: [folder.clone()].into(), ..Reads::default() }.into();
    Declaration::Refused { language: Language::Terraform, reads, refusal: refusal.at(folder, None).into() }
}

fn kustomization(path: RepoPath, enable_helm: bool, references: &mut References<'_>) -> Declaration {
    let reads = references.followed_from(&path);
    // A chart may depend on charts anywhere.
    let reads =
        if enable_helm { Reads { folders: [RepoPath::root()].into(), ..Reads::default() }.into() } else { reads };
    Declaration::Kustomize(Overlay { path, enable_helm, reads_anywhere: false, reads }.into())
}

/// What a chart is released with.
fn release(tree: &dyn SourceTree, helm: &Helm) -> Release {
    let kinds = [
        (ArgumentKind::SetJson, &helm.set_json),
        (ArgumentKind::Set, &helm.set),
        (ArgumentKind::SetString, &helm.set_string),
        (ArgumentKind::SetFile, &helm.set_file),
        (ArgumentKind::SetLiteral, &helm.set_literal),
    ];
    let argument = |kind, text: &String| Argument { kind, text: text.clone(), written: None };
    Release {
        name: helm.release.clone().unwrap_or_else(|| release::name(tree, &helm.chart)),
        namespace: helm.namespace.clone().unwrap_or_else(|| NAMESPACE.to_owned()),
        is_upgrade: false,
        kube_version: helm.kube_version.clone(),
        api_versions: helm.api_versions.clone(),
        values: helm.values.iter().cloned().map(ValuesSource::File).collect(),
        arguments: kinds.iter().flat_map(|(kind, texts)| texts.iter().map(|text| argument(*kind, text))).collect(),
        folder: RepoPath::root(),
    }
}

/// All stacks that the files themselves declare, sorted by name.
pub fn discover(tree: &dyn SourceTree, parsed: &Parsed) -> Vec<Stack> {
    let files: Vec<&Entry> = tree.entries().iter().filter(|entry| is_plain(entry)).collect();
    let folders_with = |fits: &dyn Fn(&RepoPath) -> bool| -> BTreeSet<RepoPath> {
        files.iter().filter(|entry| fits(&entry.path)).filter_map(|entry| entry.path.parent()).collect()
    };
    let charts = folders_with(&|path| path.name() == "Chart.yaml");
    let in_chart =
        |path: &RepoPath| successors(Some(path.clone()), RepoPath::parent).any(|above| charts.contains(&above));
    // Also those in hidden folders and charts, and those that are links: they may read what lies elsewhere.
    let is_laid = |path: &RepoPath| path.as_str().starts_with(".git/");
    let all = tree.entries().iter().filter(|entry| is_kustomization(entry.path.name()) && !is_laid(&entry.path));
    let mut kustomizations: BTreeSet<RepoPath> = all.filter_map(|entry| entry.path.parent()).collect();

    let mut stacks = Vec::new();
    let mut references = References::of(tree);
    let closures = Closures::of(tree, &parsed.terraform);
    let units = files.iter().filter(|entry| entry.path.name() == terragrunt::NAME);
    let units: BTreeSet<RepoPath> = units.filter_map(|entry| entry.path.parent()).collect();
    let mut called = BTreeSet::new();
    for folder in units {
        let Some(declaration) = unit(tree, &folder, None, &closures) else { continue };
        if let Declaration::Terraform(root) = &declaration {
            called.insert(root.folder.clone());
        }
        called.insert(folder.clone());
        stacks.push(Stack::bare(folder.to_string(), declaration, None));
    }
    for folder in closures.roots().filter(|folder| !called.contains(folder)) {
        let declaration = root_module(folder.clone(), Vec::new(), None, &closures);
        stacks.push(Stack::bare(folder.to_string(), declaration, None));
    }
    kustomizations.retain(|folder| references.kind(folder) != Kind::Manifest);
    // Also of those that are no stacks: what they name is no plain manifest either.
    let declared: Vec<(&RepoPath, Declaration)> =
        kustomizations.iter().map(|folder| (folder, kustomization(folder.clone(), false, &mut references))).collect();
    let included = references.included();
    let outermost = declared.iter().filter(|(folder, _)| !included.contains(*folder));
    let read: BTreeSet<&RepoPath> = outermost.flat_map(|(_, declaration)| files_of(declaration)).collect();
    // Those that only include each other are part of nothing.
    let is_part = |folder: &RepoPath| {
        let mut names = NAMES.iter().filter_map(|name| folder.resolve(name).ok());
        included.contains(folder) && names.any(|file| read.contains(&file))
    };
    let parts: Vec<bool> = declared.iter().map(|(folder, _)| is_part(folder)).collect();
    for ((folder, declaration), is_part) in declared.into_iter().zip(parts) {
        if references.kind(folder) == Kind::Kustomization && !is_part {
            stacks.push(Stack::bare(folder.to_string(), declaration, None));
        }
    }
    let kustomized = references.files();
    let taken = |path: &RepoPath| kustomized.contains(path) || in_chart(path);
    let plain = folders_with(&|path| match path.extension().as_str() {
        "yaml" | "yml" => !taken(path),
        "json" => !taken(path) && may_be_manifest(tree, path),
        _ => false,
    });
    for folder in plain.iter().filter(|folder| !kustomizations.contains(folder)) {
        let declaration =
            Declaration::Manifests(Folder { path: folder.clone(), recurse: false, without: Arc::default() });
        stacks.push(Stack::bare(folder.to_string(), declaration, None));
    }
    for chart in charts.iter().filter(|chart| chart.parent().is_none_or(|above| !in_chart(&above))) {
        stacks.extend(releases(tree, chart));
    }
    stacks.sort_by(|a, b| a.name.cmp(&b.name));
    stacks
}

/// The files that a kustomization is known to read.
fn files_of(declaration: &Declaration) -> impl Iterator<Item = &RepoPath> {
    let files = match declaration {
        Declaration::Kustomize(overlay) => Some(&overlay.reads.files),
        _ => None,
    };
    files.into_iter().flatten()
}

/// The releases of a chart that its folder suggests: one for each values file beside the chart's own, or else one with the
/// chart's own values.
fn releases(tree: &dyn SourceTree, chart: &RepoPath) -> Vec<Stack> {
    let beside = within(tree, chart).map(|entry| &entry.path).filter(|path| {
        let is_values = path.name().contains("values") && matches!(path.extension().as_str(), "yaml" | "yml");
        is_values && path.parent().as_ref() == Some(chart) && !matches!(path.name(), "values.yaml" | "values.yml")
    });
    let stack = |name: String, values: Vec<RepoPath>| {
        let release = release(tree, &Helm { chart: chart.clone(), values, ..Helm::default() });
        let declaration = Declaration::Helm(Installation::new(tree, chart.clone(), release, false).into());
        Stack { assumed: Some(NAMESPACE.to_owned()), ..Stack::bare(name, declaration, None) }
    };
    let mut stacks: Vec<Stack> =
        beside.map(|values| stack(format!("{chart}+{}", values.name()), vec![values.clone()])).collect();
    if stacks.is_empty() {
        stacks.push(stack(chart.to_string(), Vec::new()));
    }
    stacks
}

fn is_kustomization(name: &str) -> bool {
    NAMES.contains(&name)
}

/// Tells whether JSON, most of which is something else, may be a manifest; also where it cannot be read.
fn may_be_manifest(tree: &dyn SourceTree, path: &RepoPath) -> bool {
    tree.read(path).ok().is_none_or(|bytes| {
        let text = readable(&bytes);
        text.contains("apiVersion") && text.contains("kind")
    })
}

/// A regular file outside hidden folders.
fn is_plain(entry: &Entry) -> bool {
    let regular = matches!(entry.kind, EntryKind::File | EntryKind::Executable);
    regular && !entry.path.as_str().split('/').any(|part| part.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::Language,
        source::tree::{MAX_FILE_BYTES, MemoryTree},
    };

    #[test]
    fn json_that_is_no_manifest_makes_no_stack() {
        let large = " ".repeat(MAX_FILE_BYTES as usize + 1);
        let files = [
            ("dashboards/a.json", r#"{"panels": []}"#),
            ("k8s/a.json", r#"{"apiVersion": "v1", "kind": "ConfigMap"}"#),
            ("large/a.json", &large),
            ("mixed/a.json", "{}"),
            ("mixed/b.yaml", "a: 1\n"),
        ];
        let files = files.map(|(path, text)| (path.parse::<RepoPath>().expect("a path"), text));
        let names: Vec<String> =
            discover(&MemoryTree::of(files), &Parsed::default()).into_iter().map(|stack| stack.name).collect();
        assert_eq!(names, ["k8s", "large", "mixed"]);
    }

    #[test]
    fn components_bases_and_objects_of_flux_are_no_stacks_of_kustomize() {
        let files = [
            ("base/d.yaml", "apiVersion: v1\nkind: ConfigMap\n"),
            ("base/kustomization.yaml", "resources: [d.yaml]\n"),
            ("clusters/kustomization.yaml", "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n"),
            ("part/c.yaml", "apiVersion: v1\nkind: ConfigMap\n"),
            ("part/kustomization.yml", "kind: Component\nresources: [c.yaml]\n"),
            ("prod/kustomization.yaml", "resources: [../base, later.yaml]\ncomponents: [../part]\n"),
        ];
        let path = |text: &str| text.parse::<RepoPath>().expect("a path");
        let stacks = discover(&MemoryTree::of(files.map(|(at, text)| (path(at), text))), &Parsed::default());
        let found: Vec<_> = stacks.iter().map(|stack| (&*stack.name, stack.declaration.language())).collect();
        assert_eq!(found, [("clusters", Language::Manifests), ("prod", Language::Kustomize)]);
        let reads = ["base/d.yaml", "part/c.yaml", "prod/later.yaml", "part/kustomization.yaml"];
        assert!(reads.iter().all(|file| stacks[1].declaration.may_read(&path(file))));
        assert!(!stacks[1].declaration.may_read(&path("clusters/kustomization.yaml")));
    }
}
