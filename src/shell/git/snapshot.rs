//! The tree of one commit, read from the object store on demand.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use git2::{ObjectType, Oid, Repository};

use super::{Error, odd_name, oid, open, while_doing};
use crate::{
    model::repository::CommitId,
    source::{
        path::RepoPath,
        tree::{Entry, EntryKind, MAX_FILE_BYTES, SourceTree, TreeError},
    },
};

/// The most entries, folders included, that a tree may have: a tree of ten folders that all are the same tree, ten
/// levels deep, is a few hundred bytes and ten thousand million files.
pub const MAX_ENTRIES: usize = 500_000;

/// The longest path that is read, in bytes.
pub const MAX_PATH_BYTES: usize = 4096;

/// An entry that no tree of ours shows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    /// Where it is, with unusual characters escaped.
    pub path: String,
    /// Why it is not shown.
    pub why: &'static str,
}

/// The files of one commit.
pub struct GitTree {
    repository: Mutex<Repository>,
    folder: PathBuf,
    entries: Vec<Entry>,
    blobs: Vec<Oid>,
    left_out: Vec<LeftOut>,
}

impl GitTree {
    /// Lists the tree of a commit in the repository at `folder`, a bare one or the `.git` of a work tree.
    pub fn open(folder: &Path, commit: &CommitId) -> Result<Self, Error> {
        let repository = open(folder, true).map_err(while_doing("the repository cannot be opened"))?;
        Self::of(repository, commit)
    }

    pub(super) fn of(repository: Repository, commit: &CommitId) -> Result<Self, Error> {
        let tree = repository
            .find_commit(oid(commit))
            .and_then(|commit| commit.tree())
            .map_err(|_| Error::Missing(format!("commit {commit}")))?;
        let mut listing = Listing::default();
        listing.walk(&repository, tree.id())?;
        let Listing { mut found, mut left_out } = listing;
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
        left_out.sort();
        drop(tree);
        let folder = repository.path().to_owned();
        let (entries, blobs) = found.into_iter().unzip();
        Ok(Self { repository: Mutex::new(repository), folder, entries, blobs, left_out })
    }

    /// What the commit holds and this tree does not show: names that lead elsewhere, deceive or are not text.
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }
}

impl SourceTree for GitTree {
    fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn read(&self, path: &RepoPath) -> Result<Arc<[u8]>, TreeError> {
        let at = self
            .entries
            .binary_search_by(|entry| entry.path.cmp(path))
            .map_err(|_| TreeError::Missing(path.clone()))?;
        if !matches!(self.entries[at].kind, EntryKind::File | EntryKind::Executable) {
            return Err(TreeError::NotAFile(path.clone()));
        }
        let repository = self.repository.lock().unwrap_or_else(PoisonError::into_inner);
        read_blob(&repository, self.blobs[at], path)
    }

    fn link(&self, path: &RepoPath) -> Result<String, TreeError> {
        let at = self.entries.binary_search_by(|entry| entry.path.cmp(path));
        let at = at.ok().filter(|at| self.entries[*at].kind == EntryKind::Symlink);
        let at = at.ok_or_else(|| TreeError::NotALink(path.clone()))?;
        let repository = self.repository.lock().unwrap_or_else(PoisonError::into_inner);
        read_link_blob(&repository, self.blobs[at], path)
    }
}

impl std::fmt::Debug for GitTree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "GitTree({}, {} entries)", self.folder.display(), self.entries.len())
    }
}

/// Reads a blob after a look at its size, which the object's header tells without unpacking the object.
pub(super) fn read_blob(repository: &Repository, blob: Oid, path: &RepoPath) -> Result<Arc<[u8]>, TreeError> {
    let broken = |error: git2::Error| TreeError::Broken { path: path.clone(), why: super::one_line(error.message()) };
    let odb = repository.odb().map_err(broken)?;
    let (bytes, kind) = odb.read_header(blob).map_err(broken)?;
    if kind != ObjectType::Blob {
        return Err(TreeError::NotAFile(path.clone()));
    }
    if bytes as u64 > MAX_FILE_BYTES {
        return Err(TreeError::TooLarge { path: path.clone(), bytes: bytes as u64 });
    }
    Ok(odb.read(blob).map_err(broken)?.data().into())
}

/// Reads a link as git keeps it: a blob that is the path.
pub(super) fn read_link_blob(repository: &Repository, blob: Oid, path: &RepoPath) -> Result<String, TreeError> {
    let target = read_blob(repository, blob, path)?;
    String::from_utf8(target.to_vec()).map_err(|_| TreeError::NotALink(path.clone()))
}

#[derive(Default)]
struct Listing {
    found: Vec<(Entry, Oid)>,
    left_out: Vec<LeftOut>,
}

impl Listing {
    /// Walks without recursion: how deep folders nest is the commit's choice.
    fn walk(&mut self, repository: &Repository, root: Oid) -> Result<(), Error> {
        let mut folders = vec![(String::new(), root)];
        let mut seen = 0;
        while let Some((prefix, id)) = folders.pop() {
            let tree = repository.find_tree(id).map_err(while_doing("a tree cannot be read"))?;
            seen += tree.len();
            if seen > MAX_ENTRIES {
                return Err(Error::TooLarge("500,000 files and folders"));
            }
            for entry in &tree {
                let name = match std::str::from_utf8(entry.name_bytes()) {
                    Ok(name) => name,
                    Err(_) => {
                        self.leave_out(&prefix, &String::from_utf8_lossy(entry.name_bytes()), "it is not UTF-8");
                        continue;
                    }
                };
                if let Some(why) = odd_name(name) {
                    self.leave_out(&prefix, name, why);
                    continue;
                }
                let path = format!("{prefix}{name}");
                if path.len() > MAX_PATH_BYTES {
                    self.leave_out(&prefix[..prefix.floor_char_boundary(200)], "…", "its path is too long");
                    continue;
                }
                match entry.filemode_raw() {
                    0o040000 => folders.push((path + "/", entry.id())),
                    mode => match (path.parse(), kind(mode)) {
                        (Ok(path), Some(kind)) => self.found.push((Entry { path, kind }, entry.id())),
                        _ => self.leave_out(&prefix, name, "it is no file, folder, link or submodule"),
                    },
                }
            }
        }
        Ok(())
    }

    fn leave_out(&mut self, prefix: &str, name: &str, why: &'static str) {
        self.left_out.push(LeftOut { path: format!("{prefix}{name}").escape_debug().to_string(), why });
    }
}

/// What a mode of git's says the entry is; early versions of git wrote regular files as 0100664.
pub(super) fn kind(mode: i32) -> Option<EntryKind> {
    match mode {
        0o100755 => Some(EntryKind::Executable),
        0o120000 => Some(EntryKind::Symlink),
        0o160000 => Some(EntryKind::Submodule),
        _ if mode & 0o170000 == 0o100000 => Some(EntryKind::File),
        _ => None,
    }
}
