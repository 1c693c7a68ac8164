//! A GitHub-shaped server on loopback: as much of the API as opening a pull request needs, over a repository on this disk.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    routing::get,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{model::repository::BranchName, shell::git::create::branch_head};

/// The pull requests of one repository.
#[derive(Clone)]
pub struct GitHub(Arc<Inner>);

struct Inner {
    repository: PathBuf,
    slug: String,
    pulls: Mutex<Vec<Value>>,
}

#[derive(Deserialize)]
struct Sought {
    #[serde(default)]
    head: String,
    #[serde(default)]
    state: String,
}

impl GitHub {
    /// A server for one bare repository under a name.
    pub fn of(repository: PathBuf, slug: &str) -> Self {
        Self(Arc::new(Inner { repository, slug: slug.to_owned(), pulls: Mutex::default() }))
    }

    /// The routes.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/user", get(async || Json(json!({"login": "sourceward-demo"}))))
            .route("/repos/{owner}/{name}", get(repository))
            .route("/repos/{owner}/{name}/pulls", get(list).post(open))
            .route("/repos/{owner}/{name}/pulls/{number}", get(one).patch(change))
            .route("/repos/{owner}/{name}/issues/{number}/labels", get(labels).post(label))
            .with_state(self.clone())
    }

    /// All pull requests, as the API shows them.
    pub fn pulls(&self) -> Vec<Value> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Value>> {
        self.0.pulls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A side of a pull request, with the commit that its branch has now.
    fn side(&self, branch: &str) -> Option<Value> {
        let branch: BranchName = branch.parse().ok()?;
        let commit = branch_head(&self.0.repository, &branch).ok().flatten()?;
        Some(json!({"ref": branch, "sha": commit, "repo": {"full_name": self.0.slug}}))
    }
}

async fn repository(State(github): State<GitHub>) -> Json<Value> {
    let slug = &github.0.slug;
    let address = format!("https://github.example/{slug}.git");
    Json(json!({
        "id": 1, "node_id": "R_1", "full_name": slug, "default_branch": "main", "clone_url": address, "archived": false,
    }))
}

async fn list(State(github): State<GitHub>, Query(sought): Query<Sought>) -> Json<Vec<Value>> {
    let fits = |pull: &&Value| {
        let branch = sought.head.rsplit(':').next().unwrap_or_default();
        (branch.is_empty() || pull["head"]["ref"] == branch) && (sought.state == "all" || pull["state"] == "open")
    };
    Json(github.lock().iter().filter(fits).cloned().collect())
}

async fn open(State(github): State<GitHub>, Json(wanted): Json<Value>) -> (StatusCode, Json<Value>) {
    let side = |name: &str| wanted[name].as_str().and_then(|branch| github.side(branch));
    let (Some(head), Some(base)) = (side("head"), side("base")) else {
        return (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({"message": "head or base does not exist"})));
    };
    let mut pulls = github.lock();
    let number = pulls.len() + 1;
    let pull = json!({
        "number": number, "state": "open", "draft": wanted["draft"], "title": wanted["title"], "body": wanted["body"],
        "html_url": format!("https://github.com/{}/pull/{number}", github.0.slug), "merged_at": null,
        "head": head, "base": base, "labels": [], "user": {"login": "sourceward-demo"},
    });
    pulls.push(pull.clone());
    (StatusCode::CREATED, Json(pull))
}

async fn one(
    State(github): State<GitHub>,
    Path((.., number)): Path<(String, String, usize)>,
) -> (StatusCode, Json<Value>) {
    answer(github.lock().get(number.wrapping_sub(1)))
}

async fn change(
    State(github): State<GitHub>,
    Path((.., number)): Path<(String, String, usize)>,
    Json(wanted): Json<Value>,
) -> (StatusCode, Json<Value>) {
    let mut pulls = github.lock();
    let pull = pulls.get_mut(number.wrapping_sub(1));
    if let (Some(Value::Object(pull)), Value::Object(wanted)) = (pull, wanted) {
        pull.extend(wanted.into_iter().filter(|(key, _)| matches!(key.as_str(), "title" | "body" | "state")));
    }
    answer(pulls.get(number.wrapping_sub(1)))
}

async fn labels(
    State(github): State<GitHub>,
    Path((.., number)): Path<(String, String, usize)>,
) -> (StatusCode, Json<Value>) {
    answer(github.lock().get(number.wrapping_sub(1)).map(|pull| &pull["labels"]))
}

async fn label(
    State(github): State<GitHub>,
    Path((.., number)): Path<(String, String, usize)>,
    Json(wanted): Json<Value>,
) -> (StatusCode, Json<Value>) {
    let mut pulls = github.lock();
    let Some(pull) = pulls.get_mut(number.wrapping_sub(1)) else { return answer(None) };
    let names = wanted["labels"].as_array().cloned().unwrap_or_default();
    pull["labels"] = names.into_iter().map(|name| json!({"name": name})).collect();
    (StatusCode::OK, Json(pull["labels"].clone()))
}

fn answer(found: Option<&Value>) -> (StatusCode, Json<Value>) {
    match found {
        Some(found) => (StatusCode::OK, Json(found.clone())),
        None => (StatusCode::NOT_FOUND, Json(json!({"message": "Not Found"}))),
    }
}
