//! The files of one commit, read on demand and never changed.

use std::{collections::BTreeMap, sync::Arc};

use super::path::RepoPath;

/// The largest file that is read at all: 5 MiB, as much as helm reads of a chart.
pub const MAX_FILE_BYTES: u64 = 5 << 20;

/// The files of one commit. Content is read when asked for: a repository may hold 100,000 files of which a stack reads ten.
pub trait SourceTree: Send + Sync {
    /// All entries but folders, sorted by path.
    fn entries(&self) -> &[Entry];

    /// The content of a regular file.
    fn read(&self, path: &RepoPath) -> Result<Arc<[u8]>, TreeError>;

    /// Where a symbolic link leads, as it is written: nothing says that the target is there, or within the tree.
    fn link(&self, path: &RepoPath) -> Result<String, TreeError>;
}

/// One entry of a tree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Where it is.
    pub path: RepoPath,
    /// What it is.
    pub kind: EntryKind,
}

/// What an entry is. Links and submodules are data: no read goes through one, as they may lead out of the repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A regular file with the executable bit.
    Executable,
    /// A symbolic link.
    Symlink,
    /// A submodule.
    Submodule,
}

/// Why a file cannot be read.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum TreeError {
    /// No such entry.
    #[error("{0} does not exist")]
    Missing(RepoPath),
    /// A link or submodule, which is never followed.
    #[error("{0} is a link or submodule, which is never followed")]
    NotAFile(RepoPath),
    /// No link where one was asked for.
    #[error("{0} is no link that can be read")]
    NotALink(RepoPath),
    /// Larger than [`MAX_FILE_BYTES`].
    #[error("{path} has {bytes} bytes, more than the {MAX_FILE_BYTES} that are read")]
    TooLarge {
        /// The file.
        path: RepoPath,
        /// Its size.
        bytes: u64,
    },
    /// The object store failed.
    #[error("{path} cannot be read: {why}")]
    Broken {
        /// The file.
        path: RepoPath,
        /// What the object store said.
        why: String,
    },
}

/// The entries in one folder and below it.
pub fn within<'t>(tree: &'t dyn SourceTree, folder: &RepoPath) -> impl Iterator<Item = &'t Entry> + use<'t> {
    let entries = tree.entries();
    let prefix = if folder.as_str().is_empty() { String::new() } else { format!("{folder}/") };
    let start = entries.partition_point(|entry| entry.path.as_str() < prefix.as_str());
    entries[start..].iter().take_while(move |entry| entry.path.as_str().starts_with(&prefix))
}

/// The entry at a path.
pub fn entry<'t>(tree: &'t dyn SourceTree, path: &RepoPath) -> Option<&'t Entry> {
    let entries = tree.entries();
    entries.binary_search_by(|entry| entry.path.cmp(path)).ok().map(|found| &entries[found])
}

/// Where a link leads within the tree, by the names in it alone; nothing where that is outside, or cannot be read. `.git` is
/// outside: what an operator lays there is for who names it.
pub fn leads_to(tree: &dyn SourceTree, link: &RepoPath) -> Option<RepoPath> {
    let folder = link.parent().unwrap_or_else(RepoPath::root);
    let target = folder.resolve(&tree.link(link).ok()?).ok()?;
    (target.as_str().split('/').next() != Some(".git")).then_some(target)
}

/// A tree held in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryTree {
    entries: Vec<Entry>,
    files: BTreeMap<RepoPath, Arc<[u8]>>,
    links: BTreeMap<RepoPath, String>,
}

impl MemoryTree {
    /// A tree of regular files.
    pub fn of<C: AsRef<[u8]>>(files: impl IntoIterator<Item = (RepoPath, C)>) -> Self {
        let files: BTreeMap<RepoPath, Arc<[u8]>> =
            files.into_iter().map(|(path, content)| (path, content.as_ref().into())).collect();
        let entries = files.keys().map(|path| Entry { path: path.clone(), kind: EntryKind::File }).collect();
        Self { entries, files, links: BTreeMap::new() }
    }

    /// The same with symbolic links.
    #[must_use]
    pub fn with_links(mut self, links: impl IntoIterator<Item = (RepoPath, String)>) -> Self {
        self.links.extend(links);
        self.entries.extend(self.links.keys().map(|path| Entry { path: path.clone(), kind: EntryKind::Symlink }));
        self.entries.sort();
        self
    }
}

impl SourceTree for MemoryTree {
    fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn read(&self, path: &RepoPath) -> Result<Arc<[u8]>, TreeError> {
        let content = self.files.get(path).ok_or_else(|| TreeError::Missing(path.clone()))?;
        if content.len() as u64 > MAX_FILE_BYTES {
            return Err(TreeError::TooLarge { path: path.clone(), bytes: content.len() as u64 });
        }
        Ok(content.clone())
    }

    fn link(&self, path: &RepoPath) -> Result<String, TreeError> {
        self.links.get(path).cloned().ok_or_else(|| TreeError::NotALink(path.clone()))
    }
}

/// A tree with some files changed, added or removed: what the repository would hold after an edit.
pub struct Overlay<'t> {
    below: &'t dyn SourceTree,
    changed: BTreeMap<RepoPath, Option<Arc<[u8]>>>,
    entries: Vec<Entry>,
}

impl<'t> Overlay<'t> {
    /// Lays changed contents over a tree; `None` removes the file.
    pub fn new(below: &'t dyn SourceTree, changed: BTreeMap<RepoPath, Option<Arc<[u8]>>>) -> Self {
        let kept = below.entries().iter().filter(|entry| changed.get(&entry.path) != Some(&None));
        let mut entries: Vec<Entry> = kept.cloned().collect();
        for (path, content) in &changed {
            if content.is_some() && entry(below, path).is_none() {
                entries.push(Entry { path: path.clone(), kind: EntryKind::File });
            }
        }
        entries.sort();
        Self { below, changed, entries }
    }
}

impl SourceTree for Overlay<'_> {
    fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn read(&self, path: &RepoPath) -> Result<Arc<[u8]>, TreeError> {
        match self.changed.get(path) {
            Some(Some(content)) => Ok(content.clone()),
            Some(None) => Err(TreeError::Missing(path.clone())),
            None => self.below.read(path),
        }
    }

    fn link(&self, path: &RepoPath) -> Result<String, TreeError> {
        match self.changed.get(path) {
            Some(_) => Err(TreeError::NotALink(path.clone())),
            None => self.below.link(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RepoPath {
        text.parse().expect("a path")
    }

    #[test]
    fn an_overlay_changes_adds_and_removes() {
        let below = MemoryTree::of([(path("a"), "1"), (path("b/c"), "2"), (path("b-d"), "3")]);
        let changed =
            [(path("a"), None), (path("b/c"), Some("9".as_bytes().into())), (path("b/e"), Some("5".as_bytes().into()))];
        let overlay = Overlay::new(&below, changed.into());
        let names: Vec<_> = overlay.entries().iter().map(|entry| entry.path.as_str()).collect();
        assert_eq!(names, ["b-d", "b/c", "b/e"]);
        assert_eq!(overlay.read(&path("b/c")).as_deref(), Ok("9".as_bytes()));
        assert_eq!(overlay.read(&path("a")), Err(TreeError::Missing(path("a"))));
        let inside: Vec<_> = within(&overlay, &path("b")).map(|entry| entry.path.as_str()).collect();
        assert_eq!(inside, ["b/c", "b/e"]);
    }

    #[test]
    fn a_large_file_is_not_read() {
        let tree = MemoryTree::of([(path("big"), vec![b'x'; MAX_FILE_BYTES as usize + 1])]);
        assert!(matches!(tree.read(&path("big")), Err(TreeError::TooLarge { .. })));
    }
}
