//! Plain Kubernetes manifests: what is written is what is deployed.
//!
//! A folder's YAML and JSON files are read as `kubectl apply -f FOLDER` reads them: every document with an `apiVersion` and a
//! `kind` is a resource, a `…List` is split into its items, other files and documents are passed over.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;

use super::{Rendered, Resource, Skipped, site::Site};
use crate::{
    model::{
        change::Change,
        pointer::Pointer,
        refusal::{Code, Refusal},
        resource::{KubernetesId, ResourceId},
    },
    source::{
        lineage::{Address, Origin, Role},
        path::RepoPath,
        span::{Lines, Span},
        tree::{EntryKind, SourceTree, within},
        yaml::{
            parse::{MAX_NODES, looks_templated, parse},
            resolve::{Reader, Via, locate::Index, value},
            tree::{Document, Node, NodeKind, Stream},
        },
    },
};

/// How manifests are read: as the API server's clients do.
const READER: Reader = Reader::Manifest;

/// A folder of manifests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folder {
    /// The folder.
    pub path: RepoPath,
    /// Whether folders below it belong to it.
    pub recurse: bool,
    /// Files that do not belong to it all the same.
    pub without: Arc<BTreeSet<RepoPath>>,
}

/// Where a resource is written.
#[derive(Clone, Debug)]
pub struct Source {
    file: Arc<File>,
    document: usize,
    /// The resource's place in the document: the root, or an item of a list.
    base: Pointer,
    line: usize,
}

/// Files that were parsed before, so that a proof reads again only what an edit changed.
#[derive(Debug, Default)]
pub struct Parsed {
    memory: Mutex<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    files: HashMap<RepoPath, Arc<File>>,
    /// The values of all of them.
    values: usize,
}

/// A parsed file: what it declares and what was passed over.
#[derive(Debug)]
struct File {
    path: RepoPath,
    text: String,
    lines: Lines,
    stream: Arc<Stream>,
    /// Of each document, the bytes that aliases refer to: disjoint and in order.
    referred: Vec<Vec<Span>>,
    found: Vec<Found>,
    skipped: Vec<Skipped>,
}

/// A resource of a file.
#[derive(Debug)]
struct Found {
    id: KubernetesId,
    value: Arc<Value>,
    document: usize,
    base: Pointer,
    line: usize,
}

impl Folder {
    /// Tells whether a file is one of its manifests, by name.
    pub fn holds(&self, file: &RepoPath) -> bool {
        let inside = if self.recurse { file.is_within(&self.path) } else { file.parent().as_ref() == Some(&self.path) };
        inside && matches!(file.extension().as_str(), "yaml" | "yml" | "json") && !self.without.contains(file)
    }
}

/// The values that one folder's files may hold together: twice what a single file may.
pub const MAX_VALUES: usize = 2 * MAX_NODES;

/// Renders a folder: its resources in the order of the files' names and of the documents in them.
///
/// # Errors
/// `stack-unreadable` where it holds more than [`MAX_VALUES`].
pub fn render(tree: &dyn SourceTree, folder: &Folder, parsed: &Parsed) -> Result<Rendered, Refusal> {
    let (mut rendered, mut values) = (Rendered::default(), 0);
    for entry in within(tree, &folder.path).filter(|entry| folder.holds(&entry.path)) {
        let path = &entry.path;
        if matches!(entry.kind, EntryKind::Symlink | EntryKind::Submodule) {
            let why = "a link or submodule, which is never followed".to_owned();
            rendered.skipped.push(Skipped { file: path.clone(), line: None, why, broken: false });
            continue;
        }
        rendered.files.insert(path.clone());
        let file = match tree.read(path) {
            Ok(bytes) => parsed.file(path, &bytes),
            Err(error) => {
                rendered.skipped.push(Skipped { file: path.clone(), line: None, why: error.to_string(), broken: true });
                continue;
            }
        };
        values += file.values();
        if values > MAX_VALUES {
            parsed.forget(&rendered.files);
            return Err(Refusal::new(
                Code::StackUnreadable,
                format!("the folder {} holds more than {MAX_VALUES} values, more than are read", folder.path),
                "split the folder into several, or name smaller ones in .github/sourceward.yaml",
            ));
        }
        rendered.skipped.extend(file.skipped.iter().cloned());
        for found in &file.found {
            rendered.resources.push(Resource {
                id: ResourceId::Kubernetes(found.id.clone()),
                stem: None,
                value: found.value.clone(),
                source: super::Source::Manifest(Source {
                    file: file.clone(),
                    document: found.document,
                    base: found.base.clone(),
                    line: found.line,
                }),
            });
        }
    }
    Ok(rendered)
}

impl Source {
    /// The file and line at which the resource begins.
    pub fn declared_at(&self) -> (&RepoPath, usize) {
        (&self.file.path, self.line)
    }

    /// The places that say each of some fields.
    pub fn origins(&self, fields: &[Pointer]) -> Vec<Vec<Origin>> {
        let Self { file, document, base, .. } = self;
        let nodes = &file.stream.documents[*document];
        let mut index = Index::of(nodes, READER);
        let origins = |field: &Pointer| {
            let at = Pointer::of(base.tokens().iter().chain(field.tokens()).cloned());
            let found = index.find(&at)?;
            let span = nodes.node(found.node).span;
            let role = match found.via.last() {
                None if is_within_any(&file.referred[*document], span) => Role::Anchored,
                None => Role::Literal,
                Some(Via::Merge { .. }) => Role::Merged,
                Some(Via::Alias(_)) => Role::Anchored,
            };
            let (line, address) = (file.line(span.start), Address::Yaml { document: *document, at });
            Some(Origin { file: file.path.clone(), line, span, role, address })
        };
        fields.iter().map(origins).map(|origin| origin.into_iter().collect()).collect()
    }

    /// Where a step could be written: in the manifest itself, the only place that says it.
    pub fn sites(&self, change: &Change) -> Result<Vec<Site>, Refusal> {
        Ok(vec![Site::in_document(self.file.path.clone(), self.document, &self.base, change, READER)])
    }
}

impl Parsed {
    /// What a file of this text was parsed to, where it is remembered.
    pub fn stream(&self, path: &RepoPath, text: &str) -> Option<Arc<Stream>> {
        Some(self.known(path)?).filter(|file| file.text == text).map(|file| file.stream.clone())
    }

    /// The parsed file of a content. The first content of a file stays, which is what the repository holds: what comes later
    /// are edits, of which each proof tries its own.
    fn file(&self, path: &RepoPath, content: &[u8]) -> Arc<File> {
        let known = self.known(path);
        let first = known.is_none();
        if let Some(file) = known.filter(|file| file.text.as_bytes() == content) {
            return file;
        }
        let file = Arc::new(File::read(path, content));
        if first && !file.skipped.iter().any(|skipped| skipped.broken) {
            let mut memory = self.lock();
            memory.values += file.values();
            memory.files.insert(path.clone(), file.clone());
        }
        file
    }

    /// How many values the remembered files hold.
    pub fn values(&self) -> usize {
        self.lock().values
    }

    /// Forgets files.
    pub fn forget<'p>(&self, files: impl IntoIterator<Item = &'p RepoPath>) {
        let mut memory = self.lock();
        for path in files {
            let forgotten = memory.files.remove(path);
            memory.values -= forgotten.map_or(0, |file| file.values());
        }
    }

    fn known(&self, path: &RepoPath) -> Option<Arc<File>> {
        self.lock().files.get(path).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl File {
    fn read(path: &RepoPath, content: &[u8]) -> Self {
        let mut file = Self {
            path: path.clone(),
            text: String::new(),
            lines: Lines::default(),
            referred: Vec::new(),
            stream: Arc::new(Stream { documents: Vec::new() }),
            found: Vec::new(),
            skipped: Vec::new(),
        };
        match std::str::from_utf8(content) {
            Ok(text) => text.clone_into(&mut file.text),
            Err(_) => {
                file.skip(None, "not UTF-8 text", true);
                return file;
            }
        }
        match parse(&file.text) {
            Ok(stream) => file.stream = Arc::new(stream),
            Err(error) => {
                let templated = if looks_templated(&file.text) { "; it looks like a template" } else { "" };
                file.skip(Some(error.line), &format!("{error}{templated}"), true);
                return file;
            }
        }
        file.lines = Lines::of(&file.text);
        let stream = file.stream.clone();
        for (index, document) in stream.documents.iter().enumerate() {
            file.referred.push(referred(document));
            file.read_document(index, document);
        }
        file
    }

    fn values(&self) -> usize {
        self.stream.documents.iter().map(|document| document.nodes.len()).sum()
    }

    fn line(&self, byte: usize) -> usize {
        self.lines.line(&self.text, byte)
    }

    fn read_document(&mut self, index: usize, document: &Document) {
        let Some(root) = document.root else { return };
        let line = self.line(document.node(root).span.start);
        let mut root = match value(document, root, READER) {
            Ok(root) => root,
            Err(error) => return self.skip(Some(line), &error.to_string(), true),
        };
        let (Some(api_version), Some(kind)) = (text(&root, "apiVersion"), text(&root, "kind")) else {
            return self.skip(Some(line), "no Kubernetes object: it has no apiVersion and kind", false);
        };
        let (api_version, kind) = (api_version.to_owned(), kind.to_owned());
        match (kind.strip_suffix("List"), root.get_mut("items")) {
            (Some(of), Some(Value::Array(items))) => {
                let mut places = Index::of(document, READER);
                for (item, value) in std::mem::take(items).into_iter().enumerate() {
                    let base = Pointer::of(["items".to_owned(), item.to_string()]);
                    let line = places.find(&base).map_or(line, |found| self.line(document.node(found.node).span.start));
                    let api_version = text(&value, "apiVersion").unwrap_or(&api_version).to_owned();
                    let kind = text(&value, "kind").unwrap_or(of).to_owned();
                    self.add(api_version, kind, value, index, base, line);
                }
            }
            _ => self.add(api_version, kind, root, index, Pointer::root(), line),
        }
    }

    fn add(&mut self, api_version: String, kind: String, value: Value, document: usize, base: Pointer, line: usize) {
        let metadata = value.get("metadata");
        let field = |key: &str| metadata.and_then(|metadata| text(metadata, key)).map(str::to_owned);
        let namespace = field("namespace").filter(|namespace| !namespace.is_empty());
        let id = KubernetesId { api_version, kind, namespace, name: field("name").unwrap_or_default() };
        self.found.push(Found { id, value: Arc::new(value), document, base, line });
    }

    fn skip(&mut self, line: Option<usize>, why: &str, broken: bool) {
        self.skipped.push(Skipped { file: self.path.clone(), line, why: why.to_owned(), broken });
    }
}

/// The bytes that aliases stand for, those inside of others left out.
fn referred(document: &Document) -> Vec<Span> {
    let target = |node: &Node| match node.kind {
        NodeKind::Alias { target, .. } => Some(document.node(target).span),
        _ => None,
    };
    let mut spans: Vec<Span> = document.nodes.iter().filter_map(target).collect();
    spans.sort_by_key(|span| (span.start, Reverse(span.end)));
    let mut end = None;
    spans.retain(|span| {
        let outside = end.is_none_or(|end| span.end > end);
        end = end.max(Some(span.end));
        outside
    });
    spans
}

/// Tells whether bytes lie inside of one of some disjoint spans.
fn is_within_any(spans: &[Span], inner: Span) -> bool {
    let before = spans.partition_point(|span| span.start <= inner.start);
    before.checked_sub(1).is_some_and(|last| inner.end <= spans[last].end)
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key).and_then(Value::as_str)
}
