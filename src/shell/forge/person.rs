//! People: what they may do, and the sign that they were heard.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Error, GitHub, call::By};
use crate::model::{repository::RepoSlug, uri::encoded};

/// A reaction to a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// Seen: it is being worked on.
    Eyes,
    /// Done.
    ThumbsUp,
    /// Not done; a comment says why.
    Confused,
}

#[derive(Deserialize)]
struct Permission {
    permission: String,
}

impl GitHub {
    /// Tells whether somebody may write to a repository at this moment: asked each time, as it can be taken away.
    pub async fn may_write(&self, slug: &RepoSlug, login: &str) -> Result<bool, Error> {
        let route = format!("/repos/{slug}/collaborators/{}/permission", encoded(login));
        let found: Option<Permission> = self.connection.find(By::For(slug), &route).await?;
        // `maintain` is shown as write, `triage` as read.
        Ok(found.is_some_and(|found| matches!(found.permission.as_str(), "admin" | "write")))
    }

    /// Reacts to a comment; a reaction that is there already is not doubled by GitHub.
    pub async fn react(&self, slug: &RepoSlug, comment: u64, reaction: Reaction) -> Result<(), Error> {
        let content = match reaction {
            Reaction::Eyes => "eyes",
            Reaction::ThumbsUp => "+1",
            Reaction::Confused => "confused",
        };
        let route = format!("/repos/{slug}/issues/comments/{comment}/reactions");
        self.connection.make::<Value>(By::For(slug), &route, &json!({"content": content})).await.map(drop)
    }
}
