//! Which files kustomizations may read, told from their text.
//!
//! Whatever a kustomization's text names counts as read, followed through further kustomizations, also what does not exist
//! yet: adding it would change what is built. This is more than a build does read, never less.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::Value;

use crate::{
    engine::{kustomize::kustomization::NAMES, reads::Reads},
    source::{
        path::RepoPath,
        text::readable,
        tree::{SourceTree, entry, within},
        yaml::{
            parse::parse,
            resolve::{Reader, value},
        },
    },
};

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

/// What a folder's file of a kustomization's name is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// A kustomization, or something that cannot be read and may be one.
    #[default]
    Kustomization,
    /// A component: part of the kustomizations that name it.
    Component,
    /// An object of a cluster: Flux names one of its kinds so.
    Manifest,
}

/// The group of Flux's objects of the kind `Kustomization`.
const FLUX: &str = "kustomize.toolkit.fluxcd.io/";

/// The fields whose entries are files, or texts, that name further files of the same folder.
const PLUGINS: [&str; 3] = ["generators", "transformers", "validators"];

/// What one folder's kustomization names.
#[derive(Default)]
struct Direct {
    kind: Kind,
    files: BTreeSet<RepoPath>,
    folders: BTreeSet<RepoPath>,
    /// What is named and not there.
    missing: BTreeSet<RepoPath>,
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

    /// What a folder's file of a kustomization's name is.
    pub fn kind(&mut self, folder: &RepoPath) -> Kind {
        self.direct(folder).kind
    }

    fn direct(&mut self, folder: &RepoPath) -> &Direct {
        let (tree, steps) = (self.tree, &mut self.steps);
        self.direct.entry(folder.clone()).or_insert_with_key(|folder| {
            let direct = Direct::of(tree, folder);
            *steps += direct.bytes / BYTES_A_STEP;
            direct
        })
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
            let direct = self.direct(&folder);
            let steps = 1 + direct.files.len() + direct.folders.len() + direct.missing.len();
            if direct.anything {
                return Reads { folders: [RepoPath::root()].into(), ..reads };
            }
            reads.files.extend(direct.files.iter().cloned());
            reads.files.extend(NAMES.iter().filter_map(|name| folder.resolve(name).ok()));
            reads.folders.extend(direct.missing.iter().cloned());
            todo.extend(direct.folders.iter().cloned());
            self.steps += steps;
        }
        reads
    }

    /// The folders that kustomizations name which were followed so far: what is built there is part of something else.
    pub fn included(&self) -> BTreeSet<RepoPath> {
        let others = |(folder, direct): (&RepoPath, &Direct)| {
            direct.folders.iter().filter(|named| *named != folder).cloned().collect::<Vec<_>>()
        };
        self.direct.iter().flat_map(others).collect()
    }

    /// Every file that the kustomizations name which were followed so far.
    pub fn files(&self) -> BTreeSet<&RepoPath> {
        self.direct.values().flat_map(|direct| &direct.files).collect()
    }
}

impl Direct {
    fn of(tree: &dyn SourceTree, folder: &RepoPath) -> Self {
        let mut found = Self::default();
        for path in NAMES.iter().filter_map(|name| folder.resolve(name).ok()) {
            if entry(tree, &path).is_none() {
                continue;
            }
            let text = tree.read(&path).ok();
            let text = text.as_deref().and_then(|bytes| std::str::from_utf8(bytes).ok());
            match text {
                Some(text) => found.read(tree, folder, text),
                None => found.anything = true,
            }
            if found.kind != Kind::Manifest {
                found.files.insert(path);
            }
        }
        found
    }

    /// Takes in what a kustomization's text names.
    fn read(&mut self, tree: &dyn SourceTree, folder: &RepoPath, text: &str) {
        self.bytes += text.len();
        let Some(documents) = documents(text) else {
            // A template, for example: every word of it may be a name.
            words(text).for_each(|word| self.add(tree, folder, word));
            return;
        };
        let first = documents.iter().find(|document| !document.is_null());
        let said = |key: &str| first.and_then(|document| document.get(key)).and_then(Value::as_str).unwrap_or_default();
        self.kind = match said("kind") {
            "Component" => Kind::Component,
            _ if said("apiVersion").starts_with(FLUX) => Kind::Manifest,
            _ => Kind::Kustomization,
        };
        if self.kind == Kind::Manifest {
            return;
        }
        let is_plugins = |key: &str| PLUGINS.iter().any(|plugins| plugins.eq_ignore_ascii_case(key));
        let fields = documents.iter().filter_map(Value::as_object).flatten();
        for entry in fields.filter(|(key, _)| is_plugins(key)).flat_map(|(_, entries)| texts(entries)) {
            self.add_plugin(tree, folder, entry);
        }
        documents.iter().flat_map(texts).for_each(|name| self.add(tree, folder, name));
    }

    /// Takes in what the configuration of a generator or transformer names: the text, or the file that holds it.
    fn add_plugin(&mut self, tree: &dyn SourceTree, folder: &RepoPath, entry: &str) {
        let file = folder.resolve(entry).ok();
        match file.map(|file| (tree.read(&file), within(tree, &file).next())) {
            Some((_, Some(_))) => self.anything = true,
            Some((Ok(bytes), _)) => {
                let text = readable(&bytes);
                self.bytes += text.len();
                words(&text).for_each(|word| self.add(tree, folder, word));
            }
            _ => words(entry).for_each(|word| self.add(tree, folder, word)),
        }
    }

    fn add(&mut self, tree: &dyn SourceTree, folder: &RepoPath, word: &str) {
        if word.len() >= MAX_NAME_BYTES || word.contains('\n') {
            return;
        }
        // Generators write `key=file`.
        let file = word.split_once('=').map(|(_, file)| file);
        for target in [Some(word), file].into_iter().flatten().filter_map(|name| folder.resolve(name).ok()) {
            if entry(tree, &target).is_some() {
                self.files.insert(target);
            } else if within(tree, &target).next().is_some() {
                self.folders.insert(target);
            } else {
                self.missing.insert(target);
            }
        }
    }
}

/// Every word of a text that may name a file or folder.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || "\"'[]{},".contains(c)).filter(|word| !word.is_empty())
}

fn documents(text: &str) -> Option<Vec<Value>> {
    let stream = parse(text).ok()?;
    let roots = stream.documents.iter().filter_map(|document| Some((document, document.root?)));
    roots.map(|(document, root)| value(document, root, Reader::Manifest).ok()).collect()
}

/// Every text in a value.
fn texts(value: &Value) -> Vec<&str> {
    let (mut found, mut todo) = (Vec::new(), vec![value]);
    while let Some(next) = todo.pop() {
        match next {
            Value::String(text) => found.push(text.as_str()),
            Value::Array(items) => todo.extend(items),
            Value::Object(map) => todo.extend(map.values()),
            _ => {}
        }
    }
    found
}
