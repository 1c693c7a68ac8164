//! New repositories, for the demonstration.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use git2::{Repository, RepositoryInitOptions, Signature, Time, build::TreeUpdateBuilder};

use super::{Error, commit::Author, commit_id, while_doing};
use crate::{
    model::repository::{BranchName, CommitId},
    source::path::RepoPath,
};

/// Makes a bare repository whose one branch holds these files in one commit.
pub fn create_bare(
    folder: &Path,
    branch: &BranchName,
    files: &BTreeMap<RepoPath, Arc<[u8]>>,
    message: &str,
    author: &Author,
) -> Result<CommitId, Error> {
    let doing = while_doing("the repository cannot be made");
    let mut options = RepositoryInitOptions::new();
    options.bare(true).external_template(false).initial_head(branch.as_str());
    let repository = Repository::init_opts(folder, &options).map_err(&doing)?;
    let empty = repository.treebuilder(None).and_then(|builder| builder.write()).map_err(&doing)?;
    let empty = repository.find_tree(empty).map_err(&doing)?;
    let mut update = TreeUpdateBuilder::new();
    for (path, content) in files {
        let blob = repository.blob(content).map_err(&doing)?;
        update.upsert(path.as_str(), blob, git2::FileMode::Blob);
    }
    let tree = update.create_updated(&repository, &empty).map_err(&doing)?;
    let tree = repository.find_tree(tree).map_err(&doing)?;
    let author = Signature::new(&author.name, &author.mail, &Time::new(author.time, 0)).map_err(&doing)?;
    let made = repository.commit(Some(&branch.reference()), &author, &author, message, &tree, &[]);
    made.map(commit_id).map_err(doing)
}

/// The commit of a branch of a repository on this disk; absent where there is no such branch.
pub fn branch_head(folder: &Path, branch: &BranchName) -> Result<Option<CommitId>, Error> {
    let doing = while_doing("the repository cannot be read");
    let repository = Repository::open_bare(folder).map_err(&doing)?;
    match repository.refname_to_id(&branch.reference()) {
        Ok(found) => Ok(Some(commit_id(found))),
        Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
        Err(error) => Err(doing(error)),
    }
}
