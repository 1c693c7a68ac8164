//! The folder of a kustomization: what may be read from it, and by which name.
//!
//! Reference: `api/internal/loader` of Kustomize 5.5.0. Links are never followed here, and nothing is fetched.

use super::{context::Context, leaf::SourceId, problem::Problem};
use crate::source::{
    path::RepoPath,
    tree::{EntryKind, TreeError, entry, within},
};

/// The folder of a kustomization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// The folder.
    pub path: RepoPath,
    /// Whether files elsewhere in the repository may be read as well, as Flux lets a build do.
    pub reads_anywhere: bool,
}

/// What a reference of a kustomization stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A file.
    File(RepoPath),
    /// A folder.
    Folder(RepoPath),
}

impl Folder {
    /// A file that the kustomization names.
    ///
    /// # Errors
    /// Where Kustomize refuses it too: it is not there, or lies outside of the folder; and where only this version does: it is
    /// on the network, or a link.
    pub fn file(&self, reference: &str, context: &mut Context<'_>) -> Result<SourceId, Problem> {
        if is_remote(reference) {
            return Err(Problem::unsupported(format!("{reference} is on the network, from which nothing is read")));
        }
        let path = self.resolve(reference)?;
        match context.sources.file(&path) {
            Ok(source) if self.reads_anywhere || path.is_within(&self.path) => Ok(source),
            Ok(_) => {
                let folder = &self.path;
                // Flux would read it, so that this is not known to be deployed by nobody.
                Err(Problem::unsupported(format!("security; file '{path}' is not in or below '{folder}'")))
            }
            Err(error @ TreeError::Missing(_)) if self.leads_through_link(context, &path) => {
                Err(Problem::unsupported(format!("{error}: the way to it is a link, which is never followed")))
            }
            Err(error @ TreeError::Missing(_)) => Err(Problem::broken(error.to_string())),
            Err(error @ TreeError::TooLarge { .. }) => Err(Problem::limit(error.to_string())),
            Err(error) => Err(Problem::unsupported(error.to_string())),
        }
    }

    /// What an entry of `resources`, `components` and the like stands for.
    ///
    /// # Errors
    /// As [`Self::file`].
    pub fn target(&self, reference: &str, context: &Context<'_>) -> Result<Target, Problem> {
        let tree = context.sources.tree();
        let path = self.resolve(reference).ok();
        match path {
            Some(path) if entry(tree, &path).is_some() => Ok(Target::File(path)),
            Some(path) if within(tree, &path).next().is_some() => Ok(Target::Folder(path)),
            _ if is_remote(reference) => {
                Err(Problem::unsupported(format!("{reference} is on the network, from which nothing is read")))
            }
            Some(path) if self.leads_through_link(context, &path) => {
                Err(Problem::unsupported(format!("the way to {path} is a link, which is never followed")))
            }
            _ => Err(Problem::broken(format!("{reference} does not exist"))),
        }
    }

    fn resolve(&self, reference: &str) -> Result<RepoPath, Problem> {
        self.path.resolve(reference).map_err(|error| Problem::broken(error.to_string()))
    }

    fn leads_through_link(&self, context: &Context<'_>, path: &RepoPath) -> bool {
        let above = std::iter::successors(path.parent(), RepoPath::parent);
        let linked = |path: RepoPath| {
            entry(context.sources.tree(), &path)
                .is_some_and(|entry| matches!(entry.kind, EntryKind::Symlink | EntryKind::Submodule))
        };
        above.into_iter().any(linked)
    }
}

/// Tells whether a reference that is no path of the repository is one that Kustomize would fetch (`git.NewRepoSpecFromURL`,
/// and `https://` for files).
pub fn is_remote(reference: &str) -> bool {
    let starts = |prefix: &str| reference.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    ["http://", "https://", "ssh://", "file://", "git@", "git::", "git://", "gh:", "github.com/", "github.com:"]
        .into_iter()
        .any(starts)
        || reference.contains("_git/")
        || reference.contains(".git/")
        || reference.ends_with(".git")
        || reference.contains("?ref=")
}
