//! The files that an evaluation reads.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use super::{leaf::FileId, problem::Problem, terragrunt::CHECKOUT};
use crate::source::{
    path::RepoPath,
    tree::{Entry, EntryKind, SourceTree, TreeError, entry, within},
};

/// The files of one commit, as a run in the folder of a root module sees them.
pub struct Files<'t> {
    tree: &'t dyn SourceTree,
    /// The folder that Terraform runs in: the root module's.
    folder: RepoPath,
    paths: Vec<RepoPath>,
    ids: BTreeMap<RepoPath, FileId>,
    asked: BTreeSet<RepoPath>,
}

impl<'t> Files<'t> {
    /// The files of a tree, relative paths counted from the folder of a root module.
    pub fn new(tree: &'t dyn SourceTree, folder: RepoPath) -> Self {
        Self { tree, folder, paths: Vec::new(), ids: BTreeMap::new(), asked: BTreeSet::new() }
    }

    /// The folder that Terraform runs in.
    pub fn folder(&self) -> &RepoPath {
        &self.folder
    }

    /// Counts relative paths from another folder; the one before.
    pub fn enter(&mut self, folder: RepoPath) -> RepoPath {
        std::mem::replace(&mut self.folder, folder)
    }

    /// The number of a file, the same whenever it is asked for.
    pub fn id(&mut self, path: &RepoPath) -> FileId {
        if let Some(id) = self.ids.get(path) {
            return *id;
        }
        let id = FileId(u32::try_from(self.paths.len()).expect("a repository has fewer than 2^32 files"));
        self.paths.push(path.clone());
        self.ids.insert(path.clone(), id);
        id
    }

    /// Where a file is.
    pub fn path(&self, file: FileId) -> &RepoPath {
        &self.paths[file.0 as usize]
    }

    /// How many files were counted.
    pub fn count(&self) -> u32 {
        u32::try_from(self.paths.len()).expect("a repository has fewer than 2^32 files")
    }

    /// Every file that was read or looked for, there or not: a change of any of them may change the answer.
    pub fn asked(&self) -> &BTreeSet<RepoPath> {
        &self.asked
    }

    /// The content of a file.
    ///
    /// # Errors
    /// What the tree says.
    pub fn read(&mut self, path: &RepoPath) -> Result<Arc<[u8]>, TreeError> {
        self.asked.insert(path.clone());
        self.tree.read(path)
    }

    /// What is at a path, if anything but a folder.
    pub fn entry(&mut self, path: &RepoPath) -> Option<EntryKind> {
        self.asked.insert(path.clone());
        entry(self.tree, path).map(|entry| entry.kind)
    }

    /// Tells whether a path is a folder.
    pub fn is_folder(&self, path: &RepoPath) -> bool {
        path.as_str().is_empty() || within(self.tree, path).next().is_some()
    }

    /// Everything in a folder and below it.
    pub fn within(&self, folder: &RepoPath) -> impl Iterator<Item = &'t Entry> + use<'t> {
        within(self.tree, folder)
    }

    /// The place in the repository that a path of a configuration means.
    ///
    /// # Errors
    /// Unsupported where it leads out of the repository: what is there depends on the machine of the run.
    pub fn resolve(&self, path: &str) -> Result<RepoPath, Problem> {
        let found = match path.strip_prefix(CHECKOUT) {
            Some(below) => RepoPath::root().resolve(&format!("./{}", below.trim_start_matches('/'))),
            None => self.folder.resolve(path),
        };
        found.map_err(|_| Problem::unsupported(format!("the path {path:?} leads out of the repository")))
    }
}

impl fmt::Debug for Files<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files").field("folder", &self.folder).field("asked", &self.asked).finish_non_exhaustive()
    }
}
