//! Repositories and their branches.

use axum::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Done, Error, GitHub, call::By};
use crate::model::repository::{BranchName, CommitId, RepoSlug};

/// How often a branch is tried to be set, with a look before each try.
const TRIES: u32 = 3;

/// A repository.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Repository {
    /// Its number, which survives renaming; `owner/name` may come to name another one.
    pub id: u64,
    /// Its identity in GraphQL.
    pub node_id: String,
    /// Its present name.
    #[serde(rename = "full_name")]
    pub slug: RepoSlug,
    /// The branch that pull requests are opened against.
    pub default_branch: BranchName,
    /// Where git fetches it over HTTPS.
    pub clone_url: String,
    /// Tells whether it is read-only.
    pub archived: bool,
}

#[derive(Deserialize)]
struct Reference {
    object: Target,
}

#[derive(Deserialize)]
struct Target {
    sha: CommitId,
}

impl GitHub {
    /// The repository of this name.
    pub async fn repository(&self, slug: &RepoSlug) -> Result<Repository, Error> {
        self.connection.get(By::For(slug), &format!("/repos/{slug}")).await
    }

    /// The commit of a branch; absent where there is no such branch.
    pub async fn branch_head(&self, slug: &RepoSlug, branch: &BranchName) -> Result<Option<CommitId>, Error> {
        let found: Option<Reference> =
            self.connection.find(By::For(slug), &format!("/repos/{slug}/git/ref/heads/{branch}")).await?;
        Ok(found.map(|reference| reference.object.sha))
    }

    /// Moves a branch from where it is expected, or makes it where `expected` is absent.
    ///
    /// A branch that is elsewhere is left alone ([`Error::Moved`]). GitHub refuses by itself whatever is no descendant of
    /// what it finds, so nobody's push is lost between the look and the update. Only a commit that is no descendant of
    /// `expected` is forced, right after another look: there a push within the same tenth of a second would be lost.
    pub async fn set_branch(
        &self,
        slug: &RepoSlug,
        branch: &BranchName,
        commit: &CommitId,
        expected: Option<&CommitId>,
    ) -> Result<Done, Error> {
        let (mut tries, mut force, mut done) = (0, false, Done::Already);
        loop {
            let head = self.branch_head(slug, branch).await?;
            if head.as_ref() == Some(commit) {
                return Ok(done);
            }
            if head.as_ref() != expected {
                return Err(Error::Moved { branch: branch.clone(), found: head });
            }
            let (method, route, body) = match expected {
                None => (Method::POST, "refs".to_owned(), json!({"ref": branch.reference(), "sha": commit})),
                Some(_) => (Method::PATCH, format!("refs/heads/{branch}"), json!({"sha": commit, "force": force})),
            };
            let route = format!("/repos/{slug}/git/{route}");
            let set: Result<Value, Error> = self.connection.change(By::For(slug), method, &route, &body).await;
            tries += 1;
            match set {
                Ok(_) => return Ok(Done::Changed),
                Err(error) if error.is_unclear() && tries < TRIES => self.connection.pause(tries).await,
                // Another one was quicker, which the look tells, or this is no fast-forward.
                Err(error) if error.is_unprocessable() && !force && tries < TRIES => force = true,
                Err(error) => return Err(error),
            }
            done = Done::Changed;
        }
    }

    /// Removes a branch that is where it is expected.
    pub async fn delete_branch(
        &self,
        slug: &RepoSlug,
        branch: &BranchName,
        expected: &CommitId,
    ) -> Result<Done, Error> {
        let (mut tries, mut done) = (0, Done::Already);
        loop {
            match self.branch_head(slug, branch).await? {
                None => return Ok(done),
                Some(head) if head != *expected => {
                    return Err(Error::Moved { branch: branch.clone(), found: Some(head) });
                }
                Some(_) => {}
            }
            tries += 1;
            match self.connection.remove(By::For(slug), &format!("/repos/{slug}/git/refs/heads/{branch}")).await {
                Ok(()) => return Ok(Done::Changed),
                Err(error) if error.is_unclear() && tries < TRIES => self.connection.pause(tries).await,
                Err(error) if error.is_unprocessable() && tries < TRIES => {}
                Err(error) => return Err(error),
            }
            done = Done::Changed;
        }
    }
}
