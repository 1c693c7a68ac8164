//! Which files kustomizations may read, while no engine evaluates them.
//!
//! Whatever a kustomization's text names that exists counts as read, followed through further kustomizations. This is more
//! than it does read, never less: an edit of any of these files is withheld.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::Value;

use crate::{
    engine::reads::Reads,
    source::{
        path::RepoPath,
        tree::{SourceTree, entry, within},
        yaml::{
            parse::parse,
            resolve::{Reader, value},
        },
    },
};

/// The names of a kustomization's own file.
pub const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// The steps from one kustomization to another that are followed for all stacks together, and the bytes of text that count
/// as one of them. What is beyond counts as reading everything.
const MAX_STEPS: usize = 200_000;
const BYTES_A_STEP: usize = 64;

/// A longer text is no file's name.
const MAX_NAME_BYTES: usize = 4_096;

/// What the kustomizations of a repository name, each file read once.
pub struct References<'t> {
    tree: &'t dyn SourceTree,
    direct: BTreeMap<RepoPath, Direct>,
    followed: BTreeMap<RepoPath, Arc<Reads>>,
    steps: usize,
}

/// What one folder's kustomization names.
#[derive(Default)]
struct Direct {
    files: BTreeSet<RepoPath>,
    folders: BTreeSet<RepoPath>,
    /// Whether it cannot be told.
    anything: bool,
    /// How much text there was to read.
    bytes: usize,
}

impl<'t> References<'t> {
    /// The references in a tree, read when they are asked for.
    pub fn of(tree: &'t dyn SourceTree) -> Self {
        Self { tree, direct: BTreeMap::new(), followed: BTreeMap::new(), steps: 0 }
    }

    /// The files that the kustomization of a folder may read.
    pub fn followed_from(&mut self, folder: &RepoPath) -> Arc<Reads> {
        if let Some(known) = self.followed.get(folder) {
            return known.clone();
        }
        let reads = Arc::new(self.follow(folder));
        self.followed.insert(folder.clone(), reads.clone());
        reads
    }

    fn follow(&mut self, folder: &RepoPath) -> Reads {
        let (mut reads, mut seen, mut todo) = (Reads::default(), BTreeSet::new(), vec![folder.clone()]);
        while let Some(folder) = todo.pop() {
            if !seen.insert(folder.clone()) {
                continue;
            }
            if self.steps > MAX_STEPS {
                return Reads { folders: [RepoPath::root()].into(), ..reads };
            }
            let (tree, steps) = (self.tree, &mut self.steps);
            let direct = self.direct.entry(folder).or_insert_with_key(|folder| {
                let direct = Direct::of(tree, folder);
                *steps += direct.bytes / BYTES_A_STEP;
                direct
            });
            *steps += 1 + direct.files.len() + direct.folders.len();
            if direct.anything {
                return Reads { folders: [RepoPath::root()].into(), ..reads };
            }
            reads.files.extend(direct.files.iter().cloned());
            todo.extend(direct.folders.iter().cloned());
        }
        reads
    }

    /// Every file that the kustomizations name which were followed so far.
    pub fn files(&self) -> BTreeSet<&RepoPath> {
        self.direct.values().flat_map(|direct| &direct.files).collect()
    }
}

impl Direct {
    fn of(tree: &dyn SourceTree, folder: &RepoPath) -> Self {
        let mut found = Self::default();
        for name in KUSTOMIZATIONS {
            let Ok(path) = folder.resolve(name) else { continue };
            if entry(tree, &path).is_none() {
                continue;
            }
            let text = tree.read(&path).ok();
            let text = text.as_deref().and_then(|bytes| std::str::from_utf8(bytes).ok());
            found.bytes += text.map_or(0, str::len);
            match text.map(words) {
                Some(words) => words.iter().for_each(|word| found.add(tree, folder, word)),
                None => found.anything = true,
            }
            found.files.insert(path);
        }
        found
    }

    fn add(&mut self, tree: &dyn SourceTree, folder: &RepoPath, word: &str) {
        // Generators write `key=file`.
        let file = word.split_once('=').map(|(_, file)| file);
        for target in [Some(word), file].into_iter().flatten().filter_map(|name| folder.resolve(name).ok()) {
            if entry(tree, &target).is_some() {
                self.files.insert(target);
            } else if within(tree, &target).next().is_some() {
                self.folders.insert(target);
            }
        }
    }
}

/// Every text of a kustomization that may name a file or folder.
fn words(text: &str) -> BTreeSet<String> {
    strings(text).unwrap_or_else(|| {
        // A template, for example: every word of it may be a name.
        let between = |c: char| c.is_whitespace() || "\"'[]{},".contains(c);
        text.split(between).filter(|word| word.len() < MAX_NAME_BYTES).map(str::to_owned).collect()
    })
}

fn strings(text: &str) -> Option<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for document in &parse(text).ok()?.documents {
        let Some(root) = document.root else { continue };
        let mut todo = vec![value(document, root, Reader::Manifest).ok()?];
        while let Some(next) = todo.pop() {
            match next {
                Value::String(text) if text.len() < MAX_NAME_BYTES && !text.contains('\n') => {
                    found.insert(text);
                }
                Value::Array(items) => todo.extend(items),
                Value::Object(map) => todo.extend(map.into_iter().map(|(_, value)| value)),
                _ => {}
            }
        }
    }
    Some(found)
}
