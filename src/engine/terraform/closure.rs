//! Which folders are root modules, and which files each may read, told from what its files say.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::configuration::{BYTES_PER_VALUE, Parsed, is_local, literal};
use crate::{
    engine::reads::Reads,
    source::{
        hcl::{parse, tree::Body},
        path::RepoPath,
        text::readable,
        tree::{EntryKind, SourceTree},
    },
};

/// The module folders of a repository.
#[derive(Debug, Default)]
pub struct Closures {
    folders: BTreeMap<RepoPath, Folder>,
}

/// What the files of a folder lead to.
#[derive(Debug, Default)]
struct Folder {
    /// The folders of local modules.
    calls: BTreeSet<RepoPath>,
    /// How many folders up a path in its texts leads.
    up: usize,
    /// Whether a text may read files of Terraform as if they were data.
    reads_configuration: bool,
}

impl Closures {
    /// The module folders of a tree; those below a folder whose name begins with a dot are somebody's download.
    pub fn of(tree: &dyn SourceTree, parsed: &Parsed) -> Self {
        let mut folders: BTreeMap<RepoPath, Folder> = BTreeMap::new();
        for entry in tree.entries() {
            let is_plain = matches!(entry.kind, EntryKind::File | EntryKind::Executable);
            let is_hidden = entry.path.as_str().split('/').any(|part| part.starts_with('.'));
            let name = entry.path.name();
            let (Some(parent), true) = (entry.path.parent(), is_plain && !is_hidden) else { continue };
            if !name.ends_with(".tf") && !name.ends_with(".tf.json") {
                continue;
            }
            let folder = folders.entry(parent.clone()).or_default();
            let Ok(content) = tree.read(&entry.path) else { continue };
            let text = readable(&content);
            folder.up = folder.up.max(highest(&text));
            folder.reads_configuration |= names_configuration(&text);
            if may_call(&text)
                && let Some(body) = body(&entry.path, &content, &text, parsed)
            {
                folder.calls.extend(calls(&body).filter_map(|source| parent.resolve(source).ok()));
            }
        }
        Self { folders }
    }

    /// The folders that no other folder calls: what is called by those that call each other in a circle is a root as well.
    pub fn roots(&self) -> impl Iterator<Item = &RepoPath> {
        let called: BTreeSet<&RepoPath> = self
            .folders
            .iter()
            .flat_map(|(path, folder)| folder.calls.iter().filter(move |call| *call != path))
            .collect();
        self.folders.keys().filter(move |path| !called.contains(path))
    }

    /// The folders whose files of Terraform a root module reads: its own and those of the modules that it calls. Nothing where
    /// it may read such files as data as well.
    pub fn modules(&self, root: &RepoPath) -> Option<BTreeSet<RepoPath>> {
        let (mut found, mut todo) = (BTreeSet::new(), vec![root.clone()]);
        while let Some(path) = todo.pop() {
            if !found.insert(path.clone()) {
                continue;
            }
            if let Some(folder) = self.folders.get(&path) {
                if folder.reads_configuration {
                    return None;
                }
                todo.extend(folder.calls.iter().cloned());
            }
        }
        Some(found)
    }

    /// The files that a root module may read: all of its folder, those of the modules that it calls, and what lies as far up
    /// as a path in their texts leads.
    pub fn reads(&self, root: &RepoPath) -> Reads {
        let (mut folders, mut todo) = (BTreeSet::new(), vec![root.clone()]);
        let mut seen = BTreeSet::new();
        while let Some(path) = todo.pop() {
            if !seen.insert(path.clone()) {
                continue;
            }
            let mut top = path.clone();
            if let Some(folder) = self.folders.get(&path) {
                todo.extend(folder.calls.iter().cloned());
                (0..folder.up).for_each(|_| top = top.parent().unwrap_or_default());
            }
            folders.insert(top);
        }
        Reads { folders, ..Reads::default() }
    }
}

/// What a file says, remembered for whoever renders it.
fn body(path: &RepoPath, content: &Arc<[u8]>, text: &str, parsed: &Parsed) -> Option<Arc<Body>> {
    if let Some(body) = parsed.files.known(path, content) {
        return Some(body);
    }
    let body: Arc<Body> = parse(text).ok()?.body.into();
    // What is rendered is read as JSON, or as UTF-8.
    if path.as_str().ends_with(".tf") && std::str::from_utf8(content).is_ok() {
        parsed.files.remember(path, content.clone(), body.clone(), content.len() / BYTES_PER_VALUE);
    }
    Some(body)
}

/// Tells whether a text may have a block of the type `module`: that is quicker than to parse it.
fn may_call(text: &str) -> bool {
    let is_block = |(at, word): (usize, &str)| {
        let rest = text[at + word.len()..].trim_start();
        rest.starts_with(|next: char| {
            next == '"' || next == '/' || next == '#' || next.is_alphanumeric() || next == '_'
        })
    };
    text.match_indices("module").any(is_block)
}

/// The local sources of the module calls of a file.
fn calls(body: &Body) -> impl Iterator<Item = &str> {
    let modules = body.blocks().filter(|block| &*block.kind.text == "module");
    let sources = modules.filter_map(|block| literal(&block.body.attribute("source")?.value));
    sources.filter(|source| is_local(source))
}

/// Tells whether a text names files of Terraform; addresses of the web are none.
fn names_configuration(text: &str) -> bool {
    let is_name = |end: usize| {
        let start = text[..end].rfind('"').map_or(0, |quote| quote + 1);
        !text[start..end].contains("://")
    };
    [".tf\"", ".tf.json\""].iter().any(|suffix| text.match_indices(suffix).any(|(at, _)| is_name(at)))
}

/// The most folders up that a path in a text leads, module sources aside.
fn highest(text: &str) -> usize {
    let mut most = 0;
    for line in text.lines().filter(|line| line.contains("../") && !line.trim_start().starts_with("source")) {
        let mut rest = line;
        while let Some(at) = rest.find("../") {
            let mut up = 0;
            rest = &rest[at..];
            while let Some(next) = rest.strip_prefix("../") {
                (up, rest) = (up + 1, next);
            }
            most = most.max(up);
        }
    }
    most
}
