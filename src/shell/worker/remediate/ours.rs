//! What is ours on the forge: told by commits and the marker, and closed when it is over.

use super::change_of_ours;
use crate::{
    model::{
        fingerprint::Fingerprint,
        repository::{BranchName, CommitId, RepoSlug},
    },
    remedy::{
        lifecycle::{Base, Commits, ending::Ending},
        pull_request::marker::{Marker, marker, remarked},
    },
    shell::forge::{Error, GitHub, pull_request::PullRequest},
};

/// Who wrote the commits of an open pull request, and what the last one changes.
pub(super) async fn commits(
    github: &GitHub,
    slug: &RepoSlug,
    lead: &Fingerprint,
    number: u64,
    base: Base,
) -> Result<Commits, Error> {
    let commits = github.commits_of_pull_request(slug, number).await?;
    let login = github.login().await?;
    let mut last = None;
    for commit in &commits {
        let Some(change) = change_of_ours(commit, lead, login) else { return Ok(Commits::Foreign) };
        last = Some(change);
    }
    Ok(Commits::Ours { change: last, base })
}

/// Says why, closes, and removes the branch if nobody has moved it since it was at `head`.
pub(super) async fn close(
    github: &GitHub,
    slug: &RepoSlug,
    found: &PullRequest,
    (branch, head): (&BranchName, Option<&CommitId>),
    ending: Ending,
) -> Result<(), Error> {
    let Some(known) = marker(&found.body) else { return Ok(()) };
    let mark = format!("closed:{}:{}", known.revision, ending.as_str());
    github.comment(slug, found.number, &mark, &ending.comment()).await?;
    let body = remarked(&found.body, &Marker { closed: Some(ending.as_str().to_owned()), ..known });
    github.close_pull_request(slug, found.number, Some(&body)).await?;
    tracing::info!(number = found.number, why = ending.as_str(), "pull request is closed");
    if head == Some(&found.head.1) {
        match github.delete_branch(slug, branch, &found.head.1).await {
            // Somebody has pushed to it or protects it: it is theirs.
            Err(error @ (Error::Moved { .. } | Error::Rejected { .. })) => {
                tracing::info!(%error, "the branch stays");
            }
            done => drop(done?),
        }
    }
    Ok(())
}
