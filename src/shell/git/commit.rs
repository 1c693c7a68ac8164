//! New commits, made from the tree of their parent: what an edit does not name stays as it is, to the byte and the mode.

use std::{collections::BTreeMap, sync::Arc};

use git2::{FileMode, Oid, Repository, Signature, Time, Tree, build::TreeUpdateBuilder};

use super::{Error, commit_id, mirror::Mirror, odd_name, oid, snapshot::kind, while_doing};
use crate::{
    model::repository::CommitId,
    remedy::plan::is_protected,
    source::{path::RepoPath, tree::EntryKind},
};

/// Who makes a commit, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// The name.
    pub name: String,
    /// The mail address.
    pub mail: String,
    /// Seconds since 1970.
    pub time: i64,
}

impl Mirror {
    /// Makes a commit that differs from its parent in these files, `None` removing one. The same arguments give the same
    /// commit. No branch is moved.
    ///
    /// Refused are files that decide who may do what, links, submodules and folders as files, files as folders, and names that are git's.
    pub fn commit(
        &self,
        parent: &CommitId,
        changes: &BTreeMap<RepoPath, Option<Arc<[u8]>>>,
        message: &str,
        author: &Author,
    ) -> Result<CommitId, Error> {
        let doing = while_doing("the commit cannot be made");
        let repository = self.repository()?;
        let parent = repository.find_commit(oid(parent)).map_err(|_| Error::Missing(format!("commit {parent}")))?;
        let base = parent.tree().map_err(&doing)?;
        let tree = changed_tree(&repository, &base, changes)?;
        let tree = repository.find_tree(tree).map_err(&doing)?;
        let author = Signature::new(&author.name, &author.mail, &Time::new(author.time, 0)).map_err(&doing)?;
        repository.commit(None, &author, &author, message, &tree, &[&parent]).map(commit_id).map_err(doing)
    }
}

fn changed_tree(
    repository: &Repository,
    base: &Tree<'_>,
    changes: &BTreeMap<RepoPath, Option<Arc<[u8]>>>,
) -> Result<Oid, Error> {
    let doing = while_doing("the tree cannot be made");
    let mut update = TreeUpdateBuilder::new();
    for (path, content) in changes {
        if is_protected(path) {
            return Err(Error::Path(path.clone(), "it decides who may do what, and is for people alone"));
        }
        let above = std::iter::successors(path.parent(), RepoPath::parent);
        if above.into_iter().any(|folder| changes.contains_key(&folder)) {
            return Err(Error::Path(path.clone(), "its folder is a file among these changes"));
        }
        let present = present(repository, base, path)?;
        match (content, present) {
            (None, None) => return Err(Error::Missing(path.to_string())),
            (None, Some(_)) => drop(update.remove(path.as_str())),
            (Some(content), present) => {
                let blob = repository.blob(content).map_err(&doing)?;
                update.upsert(path.as_str(), blob, present.unwrap_or(FileMode::Blob));
            }
        }
    }
    update.create_updated(repository, base).map_err(doing)
}

/// The mode of the file at a path; absent where there is nothing yet.
fn present(repository: &Repository, base: &Tree<'_>, path: &RepoPath) -> Result<Option<FileMode>, Error> {
    let refuse = |why| Err(Error::Path(path.clone(), why));
    let mut tree = base.clone();
    let mut parts = path.as_str().split('/').peekable();
    while let Some(part) = parts.next() {
        if let Some(why) = odd_name(part) {
            return refuse(why);
        }
        let Some(entry) = tree.get_name_bytes(part.as_bytes()) else { return check_rest(path, parts) };
        match (parts.peek(), entry.filemode_raw()) {
            (Some(_), 0o040000) => {
                let below = repository.find_tree(entry.id()).map_err(while_doing("a tree cannot be read"))?;
                drop(entry);
                tree = below;
            }
            (Some(_), _) => return refuse("it lies behind a link, a submodule or a file"),
            (None, mode) => {
                return match kind(mode) {
                    Some(EntryKind::File) => Ok(Some(FileMode::Blob)),
                    Some(EntryKind::Executable) => Ok(Some(FileMode::BlobExecutable)),
                    _ => refuse("it is a link, a submodule or a folder"),
                };
            }
        }
    }
    refuse("it is no file")
}

/// The names of folders that are yet to be made must be plain too.
fn check_rest<'p>(path: &RepoPath, mut rest: impl Iterator<Item = &'p str>) -> Result<Option<FileMode>, Error> {
    rest.find_map(odd_name).map_or(Ok(None), |why| Err(Error::Path(path.clone(), why)))
}
