//! Which folders are root modules, and which files each may read, told from what its files say.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, OnceLock},
};

use super::configuration::{BYTES_PER_VALUE, Parsed, is_local, literal};
use crate::{
    engine::{at_once, reads::Reads},
    source::{
        hcl::{parse, tree::Body},
        path::RepoPath,
        text::readable,
        tree::{EntryKind, SourceTree},
    },
};

/// The module folders of a repository.
pub struct Closures<'t> {
    tree: &'t dyn SourceTree,
    parsed: &'t Parsed,
    folders: BTreeMap<RepoPath, Folder>,
}

/// A module folder.
#[derive(Debug, Default)]
struct Folder {
    files: Vec<RepoPath>,
    /// Known as soon as somebody asks: who names a few root modules of many needs a few folders.
    leads: OnceLock<Leads>,
}

/// What the files of a folder lead to.
#[derive(Debug, Default)]
struct Leads {
    /// The folders of local modules.
    calls: BTreeSet<RepoPath>,
    /// How many folders up a path in its texts leads.
    up: usize,
    /// Whether a text may read files of Terraform as if they were data.
    reads_configuration: bool,
}

impl<'t> Closures<'t> {
    /// The module folders of a tree; those below a folder whose name begins with a dot are somebody's download.
    pub fn of(tree: &'t dyn SourceTree, parsed: &'t Parsed) -> Self {
        let mut folders: BTreeMap<RepoPath, Folder> = BTreeMap::new();
        for entry in tree.entries() {
            let name = entry.path.name();
            if !name.ends_with(".tf") && !name.ends_with(".tf.json") {
                continue;
            }
            let is_plain = matches!(entry.kind, EntryKind::File | EntryKind::Executable);
            let is_hidden = entry.path.as_str().split('/').any(|part| part.starts_with('.'));
            if let Some(parent) = entry.path.parent().filter(|_| is_plain && !is_hidden) {
                folders.entry(parent).or_default().files.push(entry.path.clone());
            }
        }
        Self { tree, parsed, folders }
    }

    /// The folders that no other folder calls: what is called by those that call each other in a circle is a root as well.
    pub fn roots(&self) -> impl Iterator<Item = &RepoPath> {
        let folders: Vec<_> = self.folders.iter().collect();
        let calls = at_once::each(&folders, |(path, folder)| &self.leads(path, folder).calls);
        let called: BTreeSet<&RepoPath> = folders
            .iter()
            .zip(calls)
            .flat_map(|((path, _), calls)| calls.iter().filter(move |call| *call != *path))
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
                let leads = self.leads(&path, folder);
                if leads.reads_configuration {
                    return None;
                }
                todo.extend(leads.calls.iter().cloned());
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
                let leads = self.leads(&path, folder);
                todo.extend(leads.calls.iter().cloned());
                (0..leads.up).for_each(|_| top = top.parent().unwrap_or_default());
            }
            folders.insert(top);
        }
        Reads { folders, ..Reads::default() }
    }

    fn leads<'f>(&self, path: &RepoPath, folder: &'f Folder) -> &'f Leads {
        folder.leads.get_or_init(|| {
            let mut leads = Leads::default();
            for file in &folder.files {
                let Ok(content) = self.tree.read(file) else { continue };
                let text = readable(&content);
                leads.up = leads.up.max(highest(&text));
                leads.reads_configuration |= names_configuration(&text);
                if may_call(&text)
                    && let Some(body) = body(file, &content, &text, self.parsed)
                {
                    leads.calls.extend(calls(&body).filter_map(|source| path.resolve(source).ok()));
                }
            }
            leads
        })
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
    let (mut most, mut rest, mut is_source) = (0, text, is_source_line(text));
    while let Some((before, after)) = rest.split_once("../") {
        if let Some((_, line)) = before.rsplit_once('\n') {
            is_source = is_source_line(line);
        }
        rest = after.trim_start_matches("../");
        if !is_source {
            most = most.max(1 + (after.len() - rest.len()) / "../".len());
        }
    }
    most
}

fn is_source_line(line: &str) -> bool {
    line.trim_start_matches([' ', '\t']).starts_with("source")
}

#[cfg(test)]
mod tests {
    use super::highest;

    #[test]
    fn how_far_up_a_text_leads_is_told_without_the_sources_of_modules() {
        let cases = [
            ("", 0),
            ("a = file(\"../x\")", 1),
            ("source = \"../../m\"\n", 0),
            ("\tsource = \"../../m\"\nb = \"../x\"", 1),
            ("b = \"../x/../../y\"\n  source = \"../../../m\"", 2),
            ("source = \"./m\"\n\nb = [\"a\", \"../../../x\"]", 3),
            ("b = \"../\" source = \"../../m\"", 2),
        ];
        for (text, up) in cases {
            assert_eq!(highest(text), up, "{text}");
        }
        let line = "../ ".repeat(500_000);
        assert_eq!(highest(&line), 1);
    }
}
