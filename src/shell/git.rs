//! Git repositories through `git2`, never checked out.
//!
//! A checkout would run filters, follow symbolic links and write names that a hostile commit chose. So commits are read
//! from the object store as they are, blob by blob, and new ones are made from trees, not from an index and a folder.
//! No configuration counts but what is given here: not the user's, not the system's, and not the repository's own,
//! which in an unpacked archive is as hostile as its files. No program is ever run: no hook, filter or credential helper.

use std::path::{Path, PathBuf};

use git2::{Config, ErrorClass, ErrorCode, Repository, RepositoryOpenFlags};

use crate::{
    model::repository::{BranchName, CommitId},
    source::path::RepoPath,
};

pub mod commit;
pub mod create;
pub mod local;
pub mod mirror;
pub mod push;
pub mod remote;
pub mod snapshot;

/// Why git could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder is no repository.
    #[error("{path} is not a git repository: name a work tree's top folder or a bare repository")]
    NotARepository {
        /// The folder.
        path: PathBuf,
    },
    /// The folder lies below the top of a work tree, where paths would be read differently.
    #[error("{path} is a folder inside the work tree {top}: name {top}")]
    NotTheTop {
        /// The folder.
        path: PathBuf,
        /// The work tree's top.
        top: PathBuf,
    },
    /// The folder belongs to another user, whom git does not trust either.
    #[error("{path} belongs to another user: if you trust it, `git config --global --add safe.directory {path}`")]
    NotTrusted {
        /// The folder.
        path: PathBuf,
    },
    /// A bare repository has no files to write.
    #[error("{path} is a bare repository, which has no files to write: use a work tree, or apply the diff")]
    Bare {
        /// The folder.
        path: PathBuf,
    },
    /// The mirror's folder was made for another remote.
    #[error("{folder} is a mirror of another repository than {remote}: it is only a cache, remove it")]
    OtherRemote {
        /// The mirror's folder.
        folder: PathBuf,
        /// The remote that was asked for.
        remote: String,
    },
    /// A remote's address that is not accepted.
    #[error("the remote's address is not accepted: {0}")]
    Address(&'static str),
    /// A path that no commit and no work tree may hold.
    #[error("{0} cannot be written: {1}")]
    Path(RepoPath, &'static str),
    /// The file changed on disk since it was read; nothing was written.
    #[error("{0} changed while it was being worked on: run again")]
    Changed(RepoPath),
    /// The remote does not have, or does not show, this branch or commit.
    #[error("there is no {0}")]
    Missing(String),
    /// More than is read of a repository.
    #[error("the repository has more than {0}, which is not read")]
    TooLarge(&'static str),
    /// The remote did not accept the credential, or wanted one.
    #[error("{host} refuses the credential: {why}")]
    Denied {
        /// The remote's host.
        host: String,
        /// What was said.
        why: String,
    },
    /// The branch is not where it was expected to be: someone else pushed. Nothing was overwritten.
    #[error("{branch} was moved by someone else, to {}", found.as_ref().map_or("nothing", CommitId::as_str))]
    Moved {
        /// The branch.
        branch: BranchName,
        /// Where it was found; absent where it does not exist.
        found: Option<CommitId>,
    },
    /// The remote refused this branch, by a rule of its own.
    #[error("the remote refuses {branch}: {why}")]
    Rejected {
        /// The branch.
        branch: BranchName,
        /// What the remote said.
        why: String,
    },
    /// The remote could not be reached or broke off. Whether a push took effect is then unknown: look before repeating.
    #[error("{doing}: {why}")]
    Network {
        /// What was being done.
        doing: &'static str,
        /// What went wrong.
        why: String,
    },
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Anything else that the object store says.
    #[error("{doing}: {why}")]
    Git {
        /// What was being done.
        doing: &'static str,
        /// What libgit2 said.
        why: String,
    },
}

impl Error {
    /// Tells whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Network { .. })
    }

    fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.to_owned(), source }
    }
}

/// Says what was being done when libgit2 failed.
fn while_doing(doing: &'static str) -> impl Fn(git2::Error) -> Error {
    move |error| {
        let why = one_line(error.message());
        match error.class() {
            ErrorClass::Net | ErrorClass::Http | ErrorClass::Ssl => Error::Network { doing, why },
            _ if error.code() == ErrorCode::Locked => Error::Network { doing, why },
            _ => Error::Git { doing, why },
        }
    }
}

/// Opens exactly this folder and forgets every configuration.
fn open(path: &Path, bare: bool) -> Result<Repository, git2::Error> {
    let mut flags = RepositoryOpenFlags::NO_SEARCH;
    flags.set(RepositoryOpenFlags::BARE, bare);
    let repository = Repository::open_ext(path, flags, &[] as &[&std::ffi::OsStr])?;
    repository.set_config(&Config::new()?)?;
    Ok(repository)
}

fn commit_id(oid: git2::Oid) -> CommitId {
    oid.to_string().parse().expect("libgit2 prints SHA-1 ids as 40 digits")
}

fn oid(commit: &CommitId) -> git2::Oid {
    git2::Oid::from_str(commit.as_str()).expect("a commit id is 40 hexadecimal digits")
}

/// The first 300 characters of a foreign text, on one line and without control characters.
fn one_line(text: &str) -> String {
    text.trim().chars().take(300).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Says what is wrong with one part of a path, if anything is: such a name is not read, and not written either.
///
/// Beside `.git` itself these are its spellings on Windows (8.3 names) and macOS (code points that HFS+ ignores).
fn odd_name(name: &str) -> Option<&'static str> {
    let ignorable = |c: &char| matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}');
    let plain: String = name.chars().filter(|c| !ignorable(c)).collect();
    let plain = plain.trim_end_matches([' ', '.']);
    if matches!(name, "" | "." | "..") {
        Some("it leads elsewhere")
    } else if plain.eq_ignore_ascii_case(".git") || plain.eq_ignore_ascii_case("git~1") {
        Some("it is git's own")
    } else if name.contains(['\\', '/']) {
        Some("it contains a slash")
    } else if name.chars().any(char::is_control) || name.chars().any(|c| ignorable(&c)) {
        Some("it contains invisible characters")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_names_are_told() {
        for name in
            ["", ".", "..", ".git", ".GIT", ".git ", ".git.", "git~1", ".g\u{200c}it", "a\\b", "a\nb", "a\u{1b}[31m"]
        {
            assert!(odd_name(name).is_some(), "{name:?}");
        }
        for name in [".github", ".gitignore", "-rf", "$(id).yaml", "ä", "a b", "...", ".git-x"] {
            assert_eq!(odd_name(name), None, "{name:?}");
        }
    }
}
