//! The files that a stack may read, where its engine cannot say exactly.

use std::collections::BTreeSet;

use crate::source::path::RepoPath;

/// A set of files, given by name and by folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// Single files.
    pub files: BTreeSet<RepoPath>,
    /// Folders with everything below them.
    pub folders: BTreeSet<RepoPath>,
}

impl Reads {
    /// Tells whether a file is among them.
    pub fn covers(&self, file: &RepoPath) -> bool {
        self.files.contains(file) || self.folders.iter().any(|folder| file.is_within(folder))
    }
}
