//! A folder of manifests as an application deploys it.

use std::{collections::BTreeSet, sync::Arc};

use super::{helm::unsupported, source::Source};
use crate::{
    engine::{Declaration, helm::chart::glob::Glob, manifest::Folder},
    model::refusal::Refusal,
    source::{
        path::RepoPath,
        tree::{SourceTree, within},
    },
    stack::{
        lowered::Lowered,
        object::{Object, World},
    },
};

/// A file with this text is passed over.
const SKIPPED: &[u8] = b"+argocd:skip-file-rendering";

/// What an application makes of a folder.
///
/// # Errors
/// `engine-unsupported` where it holds Jsonnet.
pub(super) fn lower(
    application: &Object,
    source: &Source,
    path: &RepoPath,
    world: &dyn World,
) -> Result<Lowered, Refusal> {
    let recurse = source.flag("/directory/recurse");
    let pattern = |at: &str| source.text(at).map(|text| Glob::new(&everywhere(text)));
    let (include, exclude) = (pattern("/directory/include"), pattern("/directory/exclude"));
    let prefix = path.prefix_len();
    let mut without = BTreeSet::new();
    for entry in within(world.tree(), path) {
        let name = &entry.path.as_str()[prefix..];
        if !recurse && name.contains('/') {
            continue;
        }
        let is_out = exclude.as_ref().is_some_and(|exclude| exclude.matches(name))
            || include.as_ref().is_some_and(|include| !include.matches(name));
        match entry.path.extension().as_str() {
            "jsonnet" if !is_out => {
                return Err(unsupported(
                    application,
                    &format!("renders Jsonnet ({}), which this version does not", entry.path),
                ));
            }
            "yaml" | "yml" | "json" if is_out || is_skipped(world.tree(), &entry.path) => {
                without.insert(entry.path.clone());
            }
            _ => {}
        }
    }
    let folder = Folder { path: path.clone(), recurse, without: Arc::new(without) };
    Ok(Lowered::plain(Declaration::Manifests(folder), path.clone()))
}

/// Argo CD's patterns have no separator: `*` goes over slashes.
fn everywhere(pattern: &str) -> String {
    pattern.replace("**", "*").replace('*', "**")
}

fn is_skipped(tree: &dyn SourceTree, path: &RepoPath) -> bool {
    tree.read(path).is_ok_and(|bytes| bytes.windows(SKIPPED.len()).any(|window| window == SKIPPED))
}
