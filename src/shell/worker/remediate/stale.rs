//! Closes pull requests of earlier runs that a complete report says to be over.
//!
//! For whoever remembers no findings: what stands on the forge is all there is. A pull request is looked at only if we opened
//! it, its hidden line says of which report it is, and nothing happened to it since that report was made. The rest is decided as
//! for every other that is over: people's commits and texts without the line are left alone.

use std::time::SystemTime;

use super::ours;
use crate::{
    model::repository::{BranchName, CommitId, RepoSlug},
    remedy::{
        lifecycle::{self, Base, Observed, Step, Text, Wish, ending::Ending, report::Report},
        pull_request::marker::marker,
    },
    shell::forge::{Error, GitHub, pull_request::PullRequest},
};

/// A report and what it is of.
#[derive(Clone, Copy, Debug)]
pub struct Said<'s> {
    /// The report.
    pub report: &'s Report,
    /// When it was made.
    pub at: SystemTime,
    /// The commit that it is about.
    pub of: &'s CommitId,
    /// The branch that pull requests go to.
    pub base: &'s BranchName,
    /// How our branches begin.
    pub prefix: &'s str,
}

/// What became of the pull requests that stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Looked {
    /// These were over and are closed now.
    Closed(Vec<(PullRequest, Ending)>),
    /// The report is of another commit than the head of the base by now, so it tells nothing of what is proposed there.
    OfAnotherCommit,
}

/// Closes what a report says to be over. Done again, it does nothing.
///
/// # Errors
/// What the forge says; what was closed before stays closed.
pub async fn close_stale(github: &GitHub, slug: &RepoSlug, said: Said<'_>) -> Result<Looked, Error> {
    let open = github.open_pull_requests(slug, said.base).await?;
    let mut over = Vec::new();
    for found in open {
        let Some(marker) = marker(&found.body) else { continue };
        let (Some(origin), Some(updated)) = (&marker.origin, found.updated_at) else { continue };
        let branch = &found.head.0;
        let named = branch.starts_with(said.prefix) && branch.ends_with(&format!("-{}", marker.case.short()));
        if !named || updated > said.at {
            continue;
        }
        if let Some(ending) = said.report.ending(found.number, origin)
            && found.author.as_deref() == Some(github.login().await?)
        {
            over.push((found, marker.case, ending));
        }
    }
    if !over.is_empty() && github.branch_head(slug, said.base).await?.as_ref() != Some(said.of) {
        return Ok(Looked::OfAnotherCommit);
    }
    let mut closed = Vec::new();
    for (found, lead, ending) in over {
        let commits = ours::commits(github, slug, &lead, found.number, Base::Fits).await?;
        let text = Text { title: found.title.clone(), body: found.body.clone() };
        let steps = lifecycle::steps(&Observed::Open { text, commits }, Wish::End(ending));
        let Ok(branch) = found.head.0.parse::<BranchName>() else { continue };
        if steps == [Step::Close(ending)] {
            ours::close(github, slug, &found, (&branch, Some(&found.head.1)), ending).await?;
            closed.push((found, ending));
        }
    }
    Ok(Looked::Closed(closed))
}
