//! Issues: the one that is our dashboard, and what only an issue tells about a pull request.

use axum::http::Method;
use serde::Deserialize;
use serde_json::json;

use super::{Done, Error, GitHub, call::By};
use crate::model::{repository::RepoSlug, uri::encoded};

/// An issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// Its number.
    pub number: u64,
    /// The title.
    pub title: String,
    /// The text, in Markdown.
    pub body: String,
    /// Whether it is open.
    pub is_open: bool,
    /// The login of who opened it; absent where the account is gone.
    pub author: Option<String>,
}

#[derive(Deserialize)]
struct Shown {
    number: u64,
    title: String,
    body: Option<String>,
    state: String,
    user: Option<User>,
    closed_by: Option<User>,
    pull_request: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct User {
    login: String,
}

impl GitHub {
    /// The issue of this number; absent where there is none.
    pub async fn issue(&self, slug: &RepoSlug, number: u64) -> Result<Option<Issue>, Error> {
        let found: Option<Shown> =
            self.connection.find(By::For(slug), &format!("/repos/{slug}/issues/{number}")).await?;
        Ok(found.map(Issue::from))
    }

    /// Who closed a pull request or issue; absent where it is open, or GitHub does not tell.
    pub async fn closed_by(&self, slug: &RepoSlug, number: u64) -> Result<Option<String>, Error> {
        let found: Shown = self.connection.get(By::For(slug), &format!("/repos/{slug}/issues/{number}")).await?;
        Ok(found.closed_by.map(|user| user.login))
    }

    /// The oldest issue of ours whose text holds a marker, open ones first.
    pub async fn own_issue(&self, slug: &RepoSlug, marker: &str) -> Result<Option<Issue>, Error> {
        let login = self.login().await?;
        let route = format!("/repos/{slug}/issues?state=all&creator={}&sort=created&direction=asc", encoded(login));
        let found: Vec<Shown> = self.connection.list(By::For(slug), &route).await?;
        let ours = |shown: &Shown| {
            shown.pull_request.is_none()
                && shown.user.as_ref().is_some_and(|user| user.login == login)
                && shown.body.as_ref().is_some_and(|body| body.contains(marker))
        };
        let mut found: Vec<Issue> = found.into_iter().filter(ours).map(Issue::from).collect();
        found.sort_by_key(|issue| (!issue.is_open, issue.number));
        Ok(found.into_iter().next())
    }

    /// Opens an issue whose text holds a marker, or finds the one that is there.
    pub async fn open_issue(
        &self,
        slug: &RepoSlug,
        marker: &str,
        title: &str,
        body: &str,
    ) -> Result<(Issue, Done), Error> {
        let look = move || self.own_issue(slug, marker);
        let act = move || async move {
            let wanted = json!({"title": title, "body": body});
            let route = format!("/repos/{slug}/issues");
            let opened: Shown = self.connection.change(By::For(slug), Method::POST, &route, &wanted).await?;
            Ok(Issue::from(opened))
        };
        self.connection.ensure(look, act).await
    }

    /// Replaces the text of an issue where it differs.
    pub async fn update_issue(&self, slug: &RepoSlug, issue: &Issue, body: &str) -> Result<Done, Error> {
        let same = |shown: &str| shown.replace("\r\n", "\n").trim_end() == body.trim_end();
        if same(&issue.body) {
            return Ok(Done::Already);
        }
        let look = move || async move {
            let found = self.issue(slug, issue.number).await?;
            Ok(found.filter(|found| same(&found.body)).map(drop))
        };
        let act = move || async move {
            let route = format!("/repos/{slug}/issues/{}", issue.number);
            let changed: Result<Shown, Error> =
                self.connection.change(By::For(slug), Method::PATCH, &route, &json!({"body": body})).await;
            changed.map(drop)
        };
        self.connection.ensure(look, act).await.map(|((), done)| done)
    }
}

impl From<Shown> for Issue {
    fn from(shown: Shown) -> Self {
        Self {
            number: shown.number,
            title: shown.title,
            body: shown.body.unwrap_or_default(),
            is_open: shown.state == "open",
            author: shown.user.map(|user| user.login),
        }
    }
}
