//! What is said at a pull request: labels and comments.

use axum::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Done, Error, GitHub, call::By, pull_request::PullRequest};
use crate::model::repository::RepoSlug;

#[derive(Deserialize)]
struct Comment {
    id: u64,
    body: Option<String>,
    user: Option<User>,
}

#[derive(Deserialize)]
struct User {
    login: String,
}

#[derive(Deserialize)]
struct Label {
    name: String,
}

impl GitHub {
    /// Puts labels on a pull request as far as they are missing.
    pub async fn label(&self, slug: &RepoSlug, on: &PullRequest, labels: &[&str]) -> Result<Done, Error> {
        let lacks = |has: &[String], label: &str| !has.iter().any(|has| has.eq_ignore_ascii_case(label));
        let missing: Vec<&str> = labels.iter().copied().filter(|label| lacks(&on.labels, label)).collect();
        if missing.is_empty() {
            return Ok(Done::Already);
        }
        let (missing, route) = (&missing, &format!("/repos/{slug}/issues/{}/labels", on.number));
        let look = move || async move {
            let found: Vec<Label> = self.connection.list(By::For(slug), &format!("{route}?")).await?;
            let found: Vec<String> = found.into_iter().map(|label| label.name).collect();
            Ok(missing.iter().all(|label| !lacks(&found, label)).then_some(()))
        };
        let act = move || async move {
            let body = json!({"labels": missing});
            self.connection.change::<Value>(By::For(slug), Method::POST, route, &body).await.map(drop)
        };
        self.connection.ensure(look, act).await.map(|((), done)| done)
    }

    /// Says something at a pull request or issue once: the comment is known again by a marker, which is put before it
    /// where no reader sees it, and rewritten when the text differs.
    pub async fn comment(&self, slug: &RepoSlug, number: u64, marker: &str, text: &str) -> Result<Done, Error> {
        let mark: String =
            marker.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/' | ':')).collect();
        let mark = &format!("<!-- sourceward:{mark} -->");
        let body = &format!("{mark}\n{text}");
        let look = move || async move {
            let found = self.own_comment(slug, number, mark).await?;
            let same = |comment: &Comment| {
                let said = comment.body.as_deref().unwrap_or_default().replace("\r\n", "\n");
                said.trim_end() == body.trim_end()
            };
            Ok(found.filter(same).map(drop))
        };
        let act = move || async move {
            let (method, route) = match self.own_comment(slug, number, mark).await? {
                Some(comment) => (Method::PATCH, format!("/repos/{slug}/issues/comments/{}", comment.id)),
                None => (Method::POST, format!("/repos/{slug}/issues/{number}/comments")),
            };
            self.connection.change::<Value>(By::For(slug), method, &route, &json!({"body": body})).await.map(drop)
        };
        self.connection.ensure(look, act).await.map(|((), done)| done)
    }

    /// Anyone may write our marker; only a comment of our own counts.
    async fn own_comment(&self, slug: &RepoSlug, number: u64, mark: &str) -> Result<Option<Comment>, Error> {
        let login = self.login().await?;
        let route = format!("/repos/{slug}/issues/{number}/comments?");
        let found: Vec<Comment> = self.connection.list(By::For(slug), &route).await?;
        let marked = |comment: &Comment| comment.body.as_ref().is_some_and(|body| body.starts_with(mark));
        let ours = |comment: &Comment| comment.user.as_ref().is_some_and(|user| user.login == login);
        Ok(found.into_iter().find(|comment| marked(comment) && ours(comment)))
    }
}
