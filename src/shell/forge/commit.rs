//! Commits by the Git Data API: made by an App without author, committer or signature, they show as verified.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Done, Error, GitHub, call::By};
use crate::{
    model::repository::{BranchName, CommitId, RepoSlug},
    remedy::{onboarding::Introduction, plan::is_protected},
    source::path::RepoPath,
};

/// The files that a commit changes, `None` removing one.
pub type Changes = BTreeMap<RepoPath, Option<Arc<[u8]>>>;

/// A commit and who made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its id.
    pub id: CommitId,
    /// The whole message.
    pub message: String,
    /// Who wrote it.
    pub author: Person,
    /// Who put it here; `web-flow` where GitHub made it.
    pub committer: Person,
    /// Tells whether GitHub vouches for the signature.
    pub verified: bool,
}

/// Who a commit names. Name and mail are claims; the login is GitHub's finding for the mail, also no proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The name.
    pub name: String,
    /// The mail address.
    pub mail: String,
    /// The login with that mail address, if any.
    pub login: Option<String>,
}

impl GitHub {
    /// Makes a commit that differs from its parent in these files. Modes are kept, no branch is moved.
    ///
    /// Refused are files that decide who may do what, links, submodules and folders as files, files as folders, and removing
    /// what is not there.
    pub async fn commit(
        &self,
        slug: &RepoSlug,
        parent: &CommitId,
        changes: &Changes,
        message: &str,
    ) -> Result<CommitId, Error> {
        refuse_protected(changes)?;
        self.commit_any(slug, parent, changes, message).await
    }

    async fn commit_any(
        &self,
        slug: &RepoSlug,
        parent: &CommitId,
        changes: &Changes,
        message: &str,
    ) -> Result<CommitId, Error> {
        let base = self.git_commit(slug, parent).await?;
        let mut folders = BTreeMap::new();
        let mut entries = Vec::new();
        for (path, content) in changes {
            let mode = self.present(slug, &base.tree.sha, path, &mut folders).await?;
            entries.push(match (content, mode) {
                (None, None) => return Err(Error::Path(path.clone(), "it is not there and cannot be removed")),
                (None, Some(mode)) => json!({"path": path.as_str(), "mode": mode, "type": "blob", "sha": null}),
                (Some(content), mode) => {
                    let mode = mode.unwrap_or("100644");
                    match plain_text(content) {
                        Some(text) => json!({"path": path.as_str(), "mode": mode, "type": "blob", "content": text}),
                        None => json!({"path": path.as_str(), "mode": mode, "type": "blob", "sha": self.blob(slug, content).await?}),
                    }
                }
            });
        }
        let body = json!({"base_tree": base.tree.sha, "tree": entries});
        let tree: Named = self.connection.make(By::For(slug), &format!("/repos/{slug}/git/trees"), &body).await?;
        let body = json!({"message": message, "tree": tree.sha, "parents": [parent]});
        let made: GitCommit = self.connection.make(By::For(slug), &format!("/repos/{slug}/git/commits"), &body).await?;
        Ok(made.sha)
    }

    /// Sees to it that a branch is one such commit ahead of `parent`: if it is, nothing is sent; else it is moved there
    /// from where it is expected, as [`GitHub::set_branch`] does.
    pub async fn ensure_commit(
        &self,
        slug: &RepoSlug,
        branch: &BranchName,
        expected: Option<&CommitId>,
        parent: &CommitId,
        changes: &Changes,
        message: &str,
    ) -> Result<(CommitId, Done), Error> {
        refuse_protected(changes)?;
        self.ensure_any(slug, (branch, expected), parent, changes, message).await
    }

    /// The same for the configuration of a repository that has none: the one commit of ours in `.github`.
    pub async fn ensure_introduction(
        &self,
        slug: &RepoSlug,
        expected: Option<&CommitId>,
        parent: &CommitId,
        introduction: &Introduction,
    ) -> Result<(CommitId, Done), Error> {
        let path = introduction.path();
        let root = self.git_commit(slug, parent).await?.tree.sha;
        if self.present(slug, &root, &path, &mut BTreeMap::new()).await?.is_some() {
            return Err(Error::Path(path, "it is there already"));
        }
        let changes = Changes::from([(path, Some(introduction.file().as_bytes().into()))]);
        let at = (introduction.branch(), expected);
        self.ensure_any(slug, at, parent, &changes, introduction.commit_message()).await
    }

    async fn ensure_any(
        &self,
        slug: &RepoSlug,
        (branch, expected): (&BranchName, Option<&CommitId>),
        parent: &CommitId,
        changes: &Changes,
        message: &str,
    ) -> Result<(CommitId, Done), Error> {
        let head = self.branch_head(slug, branch).await?;
        match head {
            Some(head) if self.is_this(slug, &head, parent, changes, message).await? => {
                return Ok((head, Done::Already));
            }
            found if found.as_ref() != expected => return Err(Error::Moved { branch: branch.clone(), found }),
            _ => {}
        }
        let commit = self.commit_any(slug, parent, changes, message).await?;
        let done = self.set_branch(slug, branch, &commit, expected).await?;
        Ok((commit, done))
    }

    /// A commit and who made it.
    pub async fn commit_info(&self, slug: &RepoSlug, commit: &CommitId) -> Result<Commit, Error> {
        let found: Shown = self.connection.get(By::For(slug), &format!("/repos/{slug}/commits/{commit}")).await?;
        Ok(found.into())
    }

    /// The commits of a pull request, oldest first; GitHub lists 250 at most.
    pub async fn commits_of_pull_request(&self, slug: &RepoSlug, number: u64) -> Result<Vec<Commit>, Error> {
        let route = format!("/repos/{slug}/pulls/{number}/commits?");
        let found: Vec<Shown> = self.connection.list(By::For(slug), &route).await?;
        Ok(found.into_iter().map(Commit::from).collect())
    }

    async fn git_commit(&self, slug: &RepoSlug, commit: &CommitId) -> Result<GitCommit, Error> {
        self.connection.get(By::For(slug), &format!("/repos/{slug}/git/commits/{commit}")).await
    }

    async fn blob(&self, slug: &RepoSlug, content: &[u8]) -> Result<CommitId, Error> {
        let body = json!({"content": STANDARD.encode(content), "encoding": "base64"});
        let made: Named = self.connection.make(By::For(slug), &format!("/repos/{slug}/git/blobs"), &body).await?;
        Ok(made.sha)
    }

    /// The mode of the file at a path; absent where there is nothing yet. Folders are read once each, never the whole
    /// tree at a time, which GitHub truncates.
    async fn present(
        &self,
        slug: &RepoSlug,
        root: &CommitId,
        path: &RepoPath,
        folders: &mut BTreeMap<CommitId, Vec<TreeEntry>>,
    ) -> Result<Option<&'static str>, Error> {
        let mut folder = root.clone();
        let mut parts = path.as_str().split('/').peekable();
        while let Some(part) = parts.next() {
            if !folders.contains_key(&folder) {
                let listed: GitTree =
                    self.connection.get(By::For(slug), &format!("/repos/{slug}/git/trees/{folder}")).await?;
                if listed.truncated {
                    return Err(Error::Path(path.clone(), "its folder is too large for GitHub's API"));
                }
                folders.insert(folder.clone(), listed.tree);
            }
            let Some(entry) = folders[&folder].iter().find(|entry| entry.path == part) else { return Ok(None) };
            match (parts.peek(), entry.mode.as_str()) {
                (Some(_), "040000") => folder = entry.sha.clone(),
                (Some(_), _) => return Err(Error::Path(path.clone(), "it lies behind a link, a submodule or a file")),
                (None, "100755") => return Ok(Some("100755")),
                (None, mode) if mode.starts_with("100") => return Ok(Some("100644")),
                (None, _) => return Err(Error::Path(path.clone(), "it is a link, a submodule or a folder")),
            }
        }
        Ok(None)
    }

    /// Tells whether a commit is what [`GitHub::commit`] would make, by looking only.
    async fn is_this(
        &self,
        slug: &RepoSlug,
        commit: &CommitId,
        parent: &CommitId,
        changes: &Changes,
        message: &str,
    ) -> Result<bool, Error> {
        let found = self.git_commit(slug, commit).await?;
        if !matches!(found.parents.as_slice(), [only] if only.sha == *parent)
            || found.message.trim_end() != message.trim_end()
        {
            return Ok(false);
        }
        let compared: Compared =
            self.connection.get(By::For(slug), &format!("/repos/{slug}/compare/{parent}...{commit}")).await?;
        let names: BTreeSet<&str> = compared
            .files
            .iter()
            .flat_map(|file| std::iter::once(file.filename.as_str()).chain(file.previous_filename.as_deref()))
            .collect();
        if !names.iter().copied().eq(changes.keys().map(RepoPath::as_str)) {
            return Ok(false);
        }
        for (path, wanted) in changes {
            let file = compared.files.iter().find(|file| file.filename == path.as_str() && file.status != "removed");
            let same = match (file, wanted) {
                (None, None) => true,
                (Some(file), Some(wanted)) => self.content(slug, &file.sha).await?.as_deref() == Some(wanted),
                _ => false,
            };
            if !same {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn content(&self, slug: &RepoSlug, blob: &CommitId) -> Result<Option<Vec<u8>>, Error> {
        let found: Blob = self.connection.get(By::For(slug), &format!("/repos/{slug}/git/blobs/{blob}")).await?;
        let text: String = found.content.split_ascii_whitespace().collect();
        Ok(STANDARD.decode(text).ok().filter(|_| found.encoding == "base64"))
    }
}

/// Whatever was decided elsewhere: this is the last door.
fn refuse_protected(changes: &Changes) -> Result<(), Error> {
    match changes.keys().find(|path| is_protected(path)) {
        Some(path) => Err(Error::Path(path.clone(), "it decides who may do what, and is for people alone")),
        None => Ok(()),
    }
}

/// Text that survives the way through JSON for certain: printable, with tabs and line ends. All else goes as base64.
fn plain_text(content: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(content).ok()?;
    text.chars().all(|c| !c.is_control() || matches!(c, '\t' | '\r' | '\n')).then_some(text)
}

/// Something that GitHub names by its object id; trees and blobs have ids of the same form as commits.
#[derive(Deserialize)]
struct Named {
    sha: CommitId,
}

#[derive(Deserialize)]
struct GitCommit {
    sha: CommitId,
    tree: Named,
    message: String,
    parents: Vec<Named>,
}

#[derive(Deserialize)]
struct GitTree {
    tree: Vec<TreeEntry>,
    truncated: bool,
}

#[derive(Deserialize)]
struct TreeEntry {
    path: String,
    mode: String,
    sha: CommitId,
}

#[derive(Deserialize)]
struct Blob {
    content: String,
    encoding: String,
}

#[derive(Deserialize)]
struct Compared {
    #[serde(default)]
    files: Vec<ComparedFile>,
}

#[derive(Deserialize)]
struct ComparedFile {
    filename: String,
    previous_filename: Option<String>,
    status: String,
    sha: CommitId,
}

#[derive(Deserialize)]
struct Shown {
    sha: CommitId,
    commit: ShownCommit,
    author: Option<Value>,
    committer: Option<Value>,
}

#[derive(Deserialize)]
struct ShownCommit {
    message: String,
    author: Claim,
    committer: Claim,
    verification: Option<Verification>,
}

#[derive(Deserialize)]
struct Claim {
    name: String,
    email: String,
}

#[derive(Deserialize)]
struct Verification {
    verified: bool,
}

impl From<Shown> for Commit {
    fn from(shown: Shown) -> Self {
        // An unknown user is null, or an empty object.
        let person = |claim: Claim, user: Option<Value>| Person {
            name: claim.name,
            mail: claim.email,
            login: user.and_then(|user| Some(user.get("login")?.as_str()?.to_owned())),
        };
        Self {
            id: shown.sha,
            message: shown.commit.message,
            author: person(shown.commit.author, shown.author),
            committer: person(shown.commit.committer, shown.committer),
            verified: shown.commit.verification.is_some_and(|verification| verification.verified),
        }
    }
}
