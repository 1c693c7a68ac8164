//! Pull requests: one for a branch, found again after every mishap, and changed only where it differs.

use std::time::SystemTime;

use axum::http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Done, Error, GitHub, call::By, token::utc};
use crate::model::{
    repository::{BranchName, CommitId, RepoSlug},
    uri::encoded,
};

/// A pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullRequest {
    /// Its number in the repository.
    pub number: u64,
    /// Where people see it.
    pub url: String,
    /// What has become of it.
    pub state: State,
    /// Tells whether it is a draft.
    pub draft: bool,
    /// The title.
    pub title: String,
    /// The description, in Markdown.
    pub body: String,
    /// The branch to be merged, and where it is.
    pub head: (String, CommitId),
    /// The branch to merge into.
    pub base: String,
    /// The labels.
    pub labels: Vec<String>,
    /// The login of who opened it; absent where the account is gone.
    pub author: Option<String>,
    /// When it was merged.
    pub merged_at: Option<SystemTime>,
    /// When anything last happened to it.
    pub updated_at: Option<SystemTime>,
}

/// What has become of a pull request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It waits.
    Open,
    /// It was closed unmerged: someone does not want it.
    Closed,
    /// It was merged.
    Merged,
}

/// What a new pull request shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal<'p> {
    /// The branch to be merged, in the same repository.
    pub head: &'p BranchName,
    /// The branch to merge into.
    pub base: &'p BranchName,
    /// The title.
    pub title: &'p str,
    /// The description, in Markdown; GitHub takes 65,536 characters.
    pub body: &'p str,
    /// Tells whether it is a draft.
    pub draft: bool,
    /// Labels to put on it; GitHub makes those that do not exist.
    pub labels: &'p [&'p str],
}

impl GitHub {
    /// Opens a pull request, or finds the open one of the same branches. One that exists is not changed, only labelled.
    pub async fn open_pull_request(
        &self,
        slug: &RepoSlug,
        proposal: &Proposal<'_>,
    ) -> Result<(PullRequest, Done), Error> {
        let look = move || async move {
            let found = self.pull_requests_of(slug, proposal.head, "open").await?;
            Ok(found.into_iter().find(|found| found.base == proposal.base.as_str()))
        };
        let act = move || async move {
            let body = json!({
                "head": proposal.head,
                "base": proposal.base,
                "title": proposal.title,
                "body": proposal.body,
                "draft": proposal.draft,
            });
            let opened: Shown =
                self.connection.change(By::For(slug), Method::POST, &format!("/repos/{slug}/pulls"), &body).await?;
            Ok(PullRequest::from(opened))
        };
        let (mut found, done) = self.connection.ensure(look, act).await?;
        let labelled = self.label(slug, &found, proposal.labels).await?;
        if labelled == Done::Changed {
            found = self.pull_request(slug, found.number).await?;
        }
        Ok((found, if labelled == Done::Changed { labelled } else { done }))
    }

    /// The pull request of this number.
    pub async fn pull_request(&self, slug: &RepoSlug, number: u64) -> Result<PullRequest, Error> {
        let found: Shown = self.connection.get(By::For(slug), &format!("/repos/{slug}/pulls/{number}")).await?;
        Ok(found.into())
    }

    /// The pull request of a branch: the open one, else the newest.
    pub async fn find_pull_request(&self, slug: &RepoSlug, head: &BranchName) -> Result<Option<PullRequest>, Error> {
        let mut found = self.pull_requests_of(slug, head, "all").await?;
        found.sort_by_key(|found| (found.state == State::Open, found.number));
        Ok(found.pop())
    }

    /// The open pull requests to a branch, those from forks apart.
    pub async fn open_pull_requests(&self, slug: &RepoSlug, base: &BranchName) -> Result<Vec<PullRequest>, Error> {
        let route = format!("/repos/{slug}/pulls?state=open&base={}", encoded(base.as_str()));
        let found: Vec<Shown> = self.connection.list(By::For(slug), &route).await?;
        let ours = |found: &Shown| found.is_of(slug) && found.base.name == base.as_str();
        Ok(found.into_iter().filter(ours).map(PullRequest::from).collect())
    }

    /// Changes title and description where they differ; absent ones stay.
    pub async fn update_pull_request(
        &self,
        slug: &RepoSlug,
        number: u64,
        title: Option<&str>,
        body: Option<&str>,
    ) -> Result<(PullRequest, Done), Error> {
        let mut changes = Map::new();
        changes.extend(title.map(|title| ("title".to_owned(), json!(title))));
        changes.extend(body.map(|body| ("body".to_owned(), json!(body))));
        let as_wanted = |found: &PullRequest| {
            title.is_none_or(|title| found.title == title)
                && body.is_none_or(|body| lines_of(&found.body) == lines_of(body))
        };
        self.ensure_pull_request(slug, number, Value::Object(changes), as_wanted).await
    }

    /// Closes a pull request unmerged, with another body in the same call so that neither stands without the other; one that
    /// is closed or merged is left.
    pub async fn close_pull_request(
        &self,
        slug: &RepoSlug,
        number: u64,
        body: Option<&str>,
    ) -> Result<(PullRequest, Done), Error> {
        let mut changes = Map::from_iter([("state".to_owned(), json!("closed"))]);
        changes.extend(body.map(|body| ("body".to_owned(), json!(body))));
        self.ensure_pull_request(slug, number, Value::Object(changes), |found| found.state != State::Open).await
    }

    /// Opens a closed pull request again. GitHub refuses where its branch is gone or was moved meanwhile.
    pub async fn reopen_pull_request(&self, slug: &RepoSlug, number: u64) -> Result<(PullRequest, Done), Error> {
        self.ensure_pull_request(slug, number, json!({"state": "open"}), |found| found.state == State::Open).await
    }

    /// Asks people (`octocat`) and teams (`acme/sre`) for their review, and assigns people. Who cannot be asked is told.
    pub async fn involve(
        &self,
        slug: &RepoSlug,
        number: u64,
        reviewers: &[String],
        assignees: &[String],
    ) -> Result<(), Error> {
        if !reviewers.is_empty() {
            let (teams, people): (Vec<&String>, Vec<&String>) = reviewers.iter().partition(|name| name.contains('/'));
            let teams: Vec<&str> = teams.iter().filter_map(|team| Some(team.split_once('/')?.1)).collect();
            let body = json!({"reviewers": people, "team_reviewers": teams});
            let route = format!("/repos/{slug}/pulls/{number}/requested_reviewers");
            // Asked twice they are asked once.
            self.connection.make::<Value>(By::For(slug), &route, &body).await?;
        }
        if !assignees.is_empty() {
            let route = format!("/repos/{slug}/issues/{number}/assignees");
            self.connection.make::<Value>(By::For(slug), &route, &json!({"assignees": assignees})).await?;
        }
        Ok(())
    }

    async fn ensure_pull_request(
        &self,
        slug: &RepoSlug,
        number: u64,
        changes: Value,
        as_wanted: impl Fn(&PullRequest) -> bool + Sync,
    ) -> Result<(PullRequest, Done), Error> {
        let (changes, as_wanted) = (&changes, &as_wanted);
        let look = move || async move { Ok(Some(self.pull_request(slug, number).await?).filter(as_wanted)) };
        let act = move || async move {
            let route = format!("/repos/{slug}/pulls/{number}");
            let changed: Shown = self.connection.change(By::For(slug), Method::PATCH, &route, changes).await?;
            Ok(PullRequest::from(changed))
        };
        self.connection.ensure(look, act).await
    }

    /// The pull requests of a branch of this repository, not of a fork's branch of the same name.
    async fn pull_requests_of(
        &self,
        slug: &RepoSlug,
        head: &BranchName,
        state: &str,
    ) -> Result<Vec<PullRequest>, Error> {
        let branch = encoded(&format!("{}:{head}", slug.owner()));
        let route = format!("/repos/{slug}/pulls?state={state}&head={branch}");
        let found: Vec<Shown> = self.connection.list(By::For(slug), &route).await?;
        let ours = |found: &Shown| found.is_of(slug) && found.head.name == head.as_str();
        Ok(found.into_iter().filter(ours).map(PullRequest::from).collect())
    }
}

/// GitHub's forms send line ends as `\r\n`, and its API gives a text back without blanks at the end.
fn lines_of(text: &str) -> String {
    text.replace("\r\n", "\n").trim_end().to_owned()
}

#[derive(Deserialize)]
struct Shown {
    number: u64,
    html_url: String,
    state: String,
    merged_at: Option<String>,
    updated_at: Option<String>,
    #[serde(default)]
    draft: bool,
    title: String,
    body: Option<String>,
    head: Side,
    base: Side,
    #[serde(default)]
    labels: Vec<Label>,
    user: Option<User>,
}

#[derive(Deserialize)]
struct Side {
    #[serde(rename = "ref")]
    name: String,
    sha: CommitId,
    repo: Option<Named>,
}

#[derive(Deserialize)]
struct Named {
    full_name: RepoSlug,
}

#[derive(Deserialize)]
struct Label {
    name: String,
}

#[derive(Deserialize)]
struct User {
    login: String,
}

impl Shown {
    /// Tells whether it comes from a branch of the repository itself, not of a fork.
    fn is_of(&self, slug: &RepoSlug) -> bool {
        self.head.repo.as_ref().is_some_and(|named| named.full_name == *slug)
    }
}

impl From<Shown> for PullRequest {
    fn from(shown: Shown) -> Self {
        let state = match (shown.state.as_str(), &shown.merged_at) {
            (_, Some(_)) => State::Merged,
            ("open", None) => State::Open,
            _ => State::Closed,
        };
        Self {
            number: shown.number,
            url: shown.html_url,
            state,
            draft: shown.draft,
            title: shown.title,
            body: shown.body.unwrap_or_default(),
            head: (shown.head.name, shown.head.sha),
            base: shown.base.name,
            labels: shown.labels.into_iter().map(|label| label.name).collect(),
            author: shown.user.map(|user| user.login),
            merged_at: shown.merged_at.as_deref().and_then(utc),
            updated_at: shown.updated_at.as_deref().and_then(utc),
        }
    }
}
