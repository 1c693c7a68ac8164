//! Plain Kubernetes manifests: what is written is what is deployed.
//!
//! A folder's YAML and JSON files are read as `kubectl apply -f FOLDER` reads them: every document with an `apiVersion` and a
//! `kind` is a resource, a `…List` is split into its items, other files and documents are passed over.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::Value;

use super::{Rendered, Resource, Skipped, site::Site};
use crate::{
    model::{
        change::Change,
        pointer::Pointer,
        refusal::Refusal,
        resource::{KubernetesId, ResourceId},
    },
    source::{
        lineage::{Address, Origin, Role},
        path::RepoPath,
        span::{Span, line_of},
        tree::{EntryKind, SourceTree, within},
        yaml::{
            parse::{looks_templated, parse},
            resolve::{Reader, Via, find, value},
            tree::{Document, NodeKind, Stream},
        },
    },
};

/// How manifests are read: as the API server's clients do.
const READER: Reader = Reader::Manifest;

/// A folder of manifests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// The folder.
    pub path: RepoPath,
    /// Whether folders below it belong to it.
    pub recurse: bool,
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
    files: Mutex<HashMap<RepoPath, Arc<File>>>,
}

/// A parsed file: what it declares and what was passed over.
#[derive(Debug)]
struct File {
    path: RepoPath,
    text: String,
    stream: Stream,
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
        inside && matches!(file.extension().as_str(), "yaml" | "yml" | "json")
    }
}

/// Renders a folder: its resources in the order of the files' names and of the documents in them.
pub fn render(tree: &dyn SourceTree, folder: &Folder, parsed: &Parsed) -> Rendered {
    let mut rendered = Rendered::default();
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
        rendered.skipped.extend(file.skipped.iter().cloned());
        for found in &file.found {
            rendered.resources.push(Resource {
                id: ResourceId::Kubernetes(found.id.clone()),
                value: found.value.clone(),
                source: Source {
                    file: file.clone(),
                    document: found.document,
                    base: found.base.clone(),
                    line: found.line,
                },
            });
        }
    }
    rendered
}

impl Source {
    /// The file and line at which the resource begins.
    pub fn declared_at(&self) -> (&RepoPath, usize) {
        (&self.file.path, self.line)
    }

    /// The places that say a field.
    pub fn origins(&self, at: &Pointer) -> Vec<Origin> {
        let at = Pointer::of(self.base.tokens().iter().chain(at.tokens()).cloned());
        let document = &self.file.stream.documents[self.document];
        let Some(found) = find(document, &at, READER) else { return Vec::new() };
        let span = document.node(found.node).span;
        let role = match found.via.last() {
            None if is_referred_to(document, span) => Role::Anchored,
            None => Role::Literal,
            Some(Via::Merge { .. }) => Role::Merged,
            Some(Via::Alias(_)) => Role::Anchored,
        };
        let address = Address::Yaml { document: self.document, at };
        vec![Origin { file: self.file.path.clone(), line: line_of(&self.file.text, span.start), span, role, address }]
    }

    /// Where a step could be written: in the manifest itself, the only place that says it.
    pub fn sites(&self, change: &Change) -> Result<Vec<Site>, Refusal> {
        Ok(vec![Site::in_document(self.file.path.clone(), self.document, &self.base, change, READER)])
    }
}

impl Parsed {
    /// The parsed file of a content, from memory where that content was parsed last.
    fn file(&self, path: &RepoPath, content: &[u8]) -> Arc<File> {
        let lock = || self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = lock().get(path).filter(|file| file.text.as_bytes() == content) {
            return file.clone();
        }
        let file = Arc::new(File::read(path, content));
        if !file.skipped.iter().any(|skipped| skipped.broken) {
            lock().insert(path.clone(), file.clone());
        }
        file
    }
}

impl File {
    fn read(path: &RepoPath, content: &[u8]) -> Self {
        let mut file = Self {
            path: path.clone(),
            text: String::new(),
            stream: Stream { documents: Vec::new() },
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
            Ok(stream) => file.stream = stream,
            Err(error) => {
                let templated = if looks_templated(&file.text) { "; it looks like a template" } else { "" };
                file.skip(Some(error.line), &format!("{error}{templated}"), true);
                return file;
            }
        }
        for index in 0..file.stream.documents.len() {
            file.read_document(index);
        }
        file
    }

    fn read_document(&mut self, index: usize) {
        let document = &self.stream.documents[index];
        let Some(root) = document.root else { return };
        let line = line_of(&self.text, document.node(root).span.start);
        let root = match value(document, root, READER) {
            Ok(root) => root,
            Err(error) => return self.skip(Some(line), &error.to_string(), true),
        };
        let (Some(api_version), Some(kind)) = (text(&root, "apiVersion"), text(&root, "kind")) else {
            return self.skip(Some(line), "no Kubernetes object: it has no apiVersion and kind", false);
        };
        let (api_version, kind) = (api_version.to_owned(), kind.to_owned());
        match (kind.strip_suffix("List"), root.get("items")) {
            (Some(of), Some(Value::Array(items))) => {
                for (item, value) in items.iter().enumerate() {
                    let base = Pointer::of(["items".to_owned(), item.to_string()]);
                    let document = &self.stream.documents[index];
                    let line = find(document, &base, READER)
                        .map_or(line, |found| line_of(&self.text, document.node(found.node).span.start));
                    let api_version = text(value, "apiVersion").unwrap_or(&api_version).to_owned();
                    let kind = text(value, "kind").unwrap_or(of).to_owned();
                    self.add(api_version, kind, value.clone(), index, base, line);
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

/// Tells whether bytes belong to a node that aliases stand for, and so to other places as well.
fn is_referred_to(document: &Document, span: Span) -> bool {
    document.nodes.iter().any(|node| match node.kind {
        NodeKind::Alias { target, .. } => {
            let around = document.node(target).span;
            around.start <= span.start && span.end <= around.end
        }
        _ => false,
    })
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key).and_then(Value::as_str)
}
