//! Repositories and their branches.

use axum::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Done, Error, GitHub, call::By};
use crate::model::repository::{BranchName, CommitId, RepoSlug};

/// How often a branch is tried to be set, with a look before each try.
const TRIES: u32 = 3;

/// How git names a branch's absence.
const NOTHING: &str = "0000000000000000000000000000000000000000";

/// Documented for github.com and for GitHub Enterprise Server 3.16 and later.
const UPDATE_REFS: &str = "mutation($input: UpdateRefsInput!) { updateRefs(input: $input) { clientMutationId } }";

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

    /// The repository of this number, whatever its name is now; `named` is a name that it had.
    pub async fn repository_of_id(&self, named: &RepoSlug, id: u64) -> Result<Repository, Error> {
        self.connection.get(By::For(named), &format!("/repositories/{id}")).await
    }

    /// The commit of a branch; absent where there is no such branch, or it is not shown to this credential.
    pub async fn branch_head(&self, slug: &RepoSlug, branch: &BranchName) -> Result<Option<CommitId>, Error> {
        let found: Option<Reference> =
            self.connection.find(By::For(slug), &format!("/repos/{slug}/git/ref/heads/{branch}")).await?;
        Ok(found.map(|reference| reference.object.sha))
    }

    /// Moves a branch from where it is expected, or makes it where `expected` is absent.
    ///
    /// A branch that is elsewhere is left alone ([`Error::Moved`]), also one that someone moves between the look and the
    /// update: GitHub makes no branch that exists, moves none to what is no descendant of it, and where that is wanted
    /// compares and swaps.
    pub async fn set_branch(
        &self,
        slug: &RepoSlug,
        branch: &BranchName,
        commit: &CommitId,
        expected: Option<&CommitId>,
    ) -> Result<Done, Error> {
        let (mut tries, mut swap, mut done) = (0, false, Done::Already);
        loop {
            let head = self.branch_head(slug, branch).await?;
            if head.as_ref() == Some(commit) {
                return Ok(done);
            }
            if head.as_ref() != expected {
                return Err(Error::Moved { branch: branch.clone(), found: head });
            }
            let set = match expected {
                Some(expected) if swap => self.swap(slug, branch, expected, commit.as_str()).await,
                Some(_) => {
                    let route = format!("/repos/{slug}/git/refs/heads/{branch}");
                    let body = json!({"sha": commit, "force": false});
                    self.connection.change::<Value>(By::For(slug), Method::PATCH, &route, &body).await.map(drop)
                }
                None => {
                    let route = format!("/repos/{slug}/git/refs");
                    let body = json!({"ref": branch.reference(), "sha": commit});
                    self.connection.change::<Value>(By::For(slug), Method::POST, &route, &body).await.map(drop)
                }
            };
            tries += 1;
            match set {
                Ok(()) => return Ok(Done::Changed),
                Err(error) if error.is_unclear() && tries < TRIES => self.connection.pause(tries).await,
                // Another one was quicker, which the look tells, or this is no descendant; however often GitHub failed
                // before it said so.
                Err(error) if error.is_unprocessable() && (!swap || tries < TRIES) => swap = true,
                Err(error) => return Err(error),
            }
            done = Done::Changed;
        }
    }

    /// Removes a branch that is where it is expected, also where someone moves it between the look and the removal.
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
            match self.swap(slug, branch, expected, NOTHING).await {
                Ok(()) => return Ok(Done::Changed),
                Err(error) if error.is_unclear() && tries < TRIES => self.connection.pause(tries).await,
                Err(error) if error.is_unprocessable() && tries < TRIES => {}
                Err(error) => return Err(error),
            }
            done = Done::Changed;
        }
    }

    /// Moves or removes a branch if and only if it is where it is expected at that moment. Only GraphQL can.
    async fn swap(&self, slug: &RepoSlug, branch: &BranchName, expected: &CommitId, to: &str) -> Result<(), Error> {
        let repository = self.repository(slug).await?;
        let update = json!({"name": branch.reference(), "beforeOid": expected, "afterOid": to, "force": true});
        let input = json!({"repositoryId": repository.node_id, "refUpdates": [update]});
        self.connection.mutate(By::For(slug), UPDATE_REFS, &input).await
    }
}
