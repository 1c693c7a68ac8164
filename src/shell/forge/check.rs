//! What is shown beside a commit: a check run, which only an App may make, or else a commit status.

use axum::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Done, Error, GitHub, call::By};
use crate::{
    model::{
        repository::{CommitId, RepoSlug},
        uri::encoded,
    },
    remedy::check::{Check, Conclusion},
};

/// The characters of a status's description.
const MAX_DESCRIPTION: usize = 140;

#[derive(Deserialize)]
struct Runs {
    check_runs: Vec<Run>,
}

#[derive(Deserialize)]
struct Run {
    external_id: Option<String>,
    app: Option<App>,
}

#[derive(Deserialize)]
struct App {
    id: u64,
}

#[derive(Deserialize)]
struct Status {
    state: String,
    context: String,
    description: Option<String>,
    creator: Option<User>,
}

#[derive(Deserialize)]
struct User {
    login: String,
}

impl GitHub {
    /// Shows a check on a commit, unless the latest one of ours there says the same already; `again` shows it all the same.
    pub async fn check(&self, slug: &RepoSlug, head: &CommitId, check: &Check, again: bool) -> Result<Done, Error> {
        match self.connection.app_id() {
            Some(app) => self.check_run(slug, head, check, app, again).await,
            None => self.commit_status(slug, head, check).await,
        }
    }

    async fn check_run(
        &self,
        slug: &RepoSlug,
        head: &CommitId,
        check: &Check,
        app: u64,
        again: bool,
    ) -> Result<Done, Error> {
        let digest = &check.digest();
        let look = move || async move {
            let route = format!("/repos/{slug}/commits/{head}/check-runs?check_name={}", encoded(Check::NAME));
            let found: Runs = self.connection.get(By::For(slug), &route).await?;
            let ours = |run: &&Run| run.app.as_ref().is_some_and(|by| by.id == app);
            let latest = found.check_runs.iter().find(ours);
            Ok(latest.filter(|run| run.external_id.as_deref() == Some(digest)).map(drop))
        };
        let act = move || async move {
            let body = json!({
                "name": Check::NAME,
                "head_sha": head,
                "external_id": digest,
                "status": "completed",
                "conclusion": match check.conclusion {
                    Conclusion::Success => "success",
                    Conclusion::Failure => "failure",
                    Conclusion::Neutral => "neutral",
                },
                "output": {"title": check.title, "summary": check.summary, "text": check.text},
            });
            let route = format!("/repos/{slug}/check-runs");
            self.connection.change::<Value>(By::For(slug), Method::POST, &route, &body).await.map(drop)
        };
        if again {
            return act().await.map(|()| Done::Changed);
        }
        self.connection.ensure(look, act).await.map(|((), done)| done)
    }

    async fn commit_status(&self, slug: &RepoSlug, head: &CommitId, check: &Check) -> Result<Done, Error> {
        let login = self.login().await?;
        // A status is neutral nowhere: what is not ours to judge does not stand in the way.
        let state = if check.conclusion == Conclusion::Failure { "failure" } else { "success" };
        let description: &String = &check.title.chars().take(MAX_DESCRIPTION).collect();
        let look = move || async move {
            let route = format!("/repos/{slug}/commits/{head}/statuses?");
            let found: Vec<Status> = self.connection.list(By::For(slug), &route).await?;
            let ours = |status: &&Status| {
                status.context == Check::NAME && status.creator.as_ref().is_some_and(|by| by.login == login)
            };
            // The newest comes first.
            let same = |status: &&Status| status.state == state && status.description.as_ref() == Some(description);
            Ok(found.iter().find(ours).filter(same).map(drop))
        };
        let act = move || async move {
            let body = json!({"state": state, "context": Check::NAME, "description": description});
            let route = format!("/repos/{slug}/statuses/{head}");
            self.connection.change::<Value>(By::For(slug), Method::POST, &route, &body).await.map(drop)
        };
        self.connection.ensure(look, act).await.map(|((), done)| done)
    }
}
