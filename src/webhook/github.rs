//! What GitHub's own webhook says, as far as it matters: pure, from the name of an event and its body.
//!
//! Everything else is no error but ignored, for GitHub adds events and members as it likes, and a delivery that is answered
//! badly often enough is sent no more.

use serde::{Deserialize, Serialize};

use crate::model::repository::{BranchName, CommitId, RepoSlug};

/// The name under which deliveries of GitHub are remembered.
pub const SENDER: &str = "github";

/// The characters of a comment that are kept: commands stand in the first lines.
const MAX_COMMENT: usize = 4_000;

/// The repository that an event is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Its number, which survives renaming.
    pub id: u64,
    /// Its name.
    pub slug: RepoSlug,
}

/// Something that happened to a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A branch has moved.
    Pushed(BranchName),
    /// A pull request was closed, reopened, pushed to or edited by somebody.
    PullRequest(u64),
    /// A person asks for something.
    Asked(Asked),
    /// It is no more; another one may come to have its name.
    Gone,
    /// It is not ours any more: the App was removed or suspended, or the repository is read-only.
    Away(&'static str),
    /// It is ours (again).
    Back,
    /// It has this name now.
    Renamed(RepoSlug),
}

/// What a person asks for; kept until it is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// In a comment at a pull request.
    Comment {
        /// The comment's number: what is asked there is done once.
        id: u64,
        /// The pull request.
        number: u64,
        /// Who wrote it.
        login: String,
        /// What it says, cut.
        text: String,
    },
    /// By ticking a box of an issue that claims to be our dashboard.
    Ticked {
        /// The issue.
        number: u64,
        /// Who ticked it.
        login: String,
        /// The whole text of the issue, as edited.
        text: String,
    },
    /// To run the check of a commit again.
    CheckAgain {
        /// The commit.
        head: CommitId,
        /// Its pull requests.
        numbers: Vec<u64>,
    },
    /// By putting pull requests into a merge queue: the check of the group is awaited.
    Queued {
        /// The commit of the group.
        head: CommitId,
        /// Its branch, which names the last pull request.
        branch: BranchName,
    },
}

/// What a delivery says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// These things happened.
    Events(Vec<(About, Event)>),
    /// Nothing that matters, for this reason.
    Ignored(&'static str),
}

#[derive(Deserialize)]
struct Payload {
    #[serde(default)]
    action: String,
    repository: Option<Repository>,
    sender: Option<User>,
    #[serde(rename = "ref")]
    reference: Option<String>,
    #[serde(default)]
    deleted: bool,
    pull_request: Option<Numbered>,
    issue: Option<Issue>,
    comment: Option<Comment>,
    check_run: Option<CheckRun>,
    merge_group: Option<MergeGroup>,
    repositories: Option<Vec<Repository>>,
    repositories_added: Option<Vec<Repository>>,
    repositories_removed: Option<Vec<Repository>>,
}

#[derive(Deserialize)]
struct Repository {
    id: u64,
    full_name: String,
}

#[derive(Deserialize)]
struct User {
    login: String,
    #[serde(default, rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Numbered {
    number: u64,
}

#[derive(Deserialize)]
struct Issue {
    number: u64,
    body: Option<String>,
    pull_request: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Comment {
    id: u64,
    body: Option<String>,
    user: Option<User>,
    performed_via_github_app: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct CheckRun {
    name: String,
    head_sha: CommitId,
    #[serde(default)]
    pull_requests: Vec<Numbered>,
}

#[derive(Deserialize)]
struct MergeGroup {
    head_sha: CommitId,
    head_ref: String,
}

/// Reads a delivery. `is_command` and `is_dashboard` tell what texts are meant for us, `check` is the name of our check.
pub fn read(
    event: &str,
    body: &[u8],
    is_command: impl Fn(&str) -> bool,
    is_dashboard: impl Fn(&str) -> bool,
    check: &str,
) -> Said {
    let Ok(payload) = serde_json::from_slice::<Payload>(body) else { return Said::Ignored("not of the expected form") };
    let about = |repository: &Repository| Some(About { id: repository.id, slug: repository.full_name.parse().ok()? });
    let all = |repositories: &Option<Vec<Repository>>, event: &Event| -> Vec<(About, Event)> {
        repositories.iter().flatten().filter_map(about).map(|about| (about, event.clone())).collect()
    };
    let action = payload.action.as_str();
    match (event, action) {
        ("installation", "deleted") => {
            return Said::Events(all(&payload.repositories, &Event::Away("the App was removed")));
        }
        ("installation", "suspend") => {
            return Said::Events(all(&payload.repositories, &Event::Away("the App was suspended")));
        }
        ("installation", "created" | "unsuspend" | "new_permissions_accepted") => {
            return Said::Events(all(&payload.repositories, &Event::Back));
        }
        ("installation_repositories", "added" | "removed") => {
            let mut events = all(&payload.repositories_added, &Event::Back);
            events.extend(all(&payload.repositories_removed, &Event::Away("the App was removed from the repository")));
            return Said::Events(events);
        }
        _ => {}
    }
    let Some(about) = payload.repository.as_ref().and_then(about) else { return Said::Ignored("about no repository") };
    let is_person = |user: &Option<User>| user.as_ref().is_some_and(|user| user.kind == "User");
    let event = match (event, action) {
        ("push", _) if payload.deleted => None,
        ("push", _) => {
            let branch = payload.reference.as_deref().and_then(|name| name.strip_prefix("refs/heads/"));
            branch.and_then(|branch| branch.parse().ok()).map(Event::Pushed)
        }
        ("pull_request", "closed" | "reopened" | "synchronize" | "edited") => {
            payload.pull_request.map(|pull| Event::PullRequest(pull.number))
        }
        ("issue_comment", "created") => match (payload.issue, payload.comment) {
            (Some(Issue { number, pull_request: Some(_), .. }), Some(comment))
                // What an App wrote in a person's name was not written by that person.
                if is_person(&comment.user) && comment.performed_via_github_app.is_none() =>
            {
                let text: String = comment.body.unwrap_or_default().chars().take(MAX_COMMENT).collect();
                let login = comment.user.map(|user| user.login).unwrap_or_default();
                let asked = Asked::Comment { id: comment.id, number, login, text };
                let is_ours = matches!(&asked, Asked::Comment { text, .. } if is_command(text));
                is_ours.then_some(Event::Asked(asked))
            }
            _ => None,
        },
        ("issues", "edited") => match (payload.issue, payload.sender) {
            (Some(Issue { number, body: Some(text), .. }), Some(sender))
                if sender.kind == "User" && is_dashboard(&text) =>
            {
                Some(Event::Asked(Asked::Ticked { number, login: sender.login, text }))
            }
            _ => None,
        },
        ("check_run", "rerequested") => payload.check_run.filter(|run| run.name == check).map(|run| {
            let numbers = run.pull_requests.iter().map(|pull| pull.number).collect();
            Event::Asked(Asked::CheckAgain { head: run.head_sha, numbers })
        }),
        ("merge_group", "checks_requested") => payload.merge_group.and_then(|group| {
            let branch = group.head_ref.strip_prefix("refs/heads/").unwrap_or(&group.head_ref).parse().ok()?;
            Some(Event::Asked(Asked::Queued { head: group.head_sha, branch }))
        }),
        ("repository", "renamed" | "transferred") => Some(Event::Renamed(about.slug.clone())),
        ("repository", "deleted") => Some(Event::Gone),
        // A repository that was made anew comes with a number of its own.
        ("repository", "created") => Some(Event::Back),
        ("repository", "archived") => Some(Event::Away("the repository was archived")),
        ("repository", "unarchived") => Some(Event::Back),
        _ => None,
    };
    match event {
        Some(event) => Said::Events(vec![(about, event)]),
        None => Said::Ignored("nothing that matters here"),
    }
}

/// The number of the pull request that a branch of a merge queue was made for:
/// `gh-readonly-queue/main/pr-104-0123…`.
pub fn queued_number(branch: &BranchName) -> Option<u64> {
    let last = branch.as_str().strip_prefix("gh-readonly-queue/")?.rsplit('/').next()?;
    last.strip_prefix("pr-")?.split('-').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn said(event: &str, payload: &Value) -> Option<Vec<Event>> {
        let is_command = |text: &str| text.starts_with("/sourceward");
        let is_dashboard = |text: &str| text.starts_with("board");
        match read(event, payload.to_string().as_bytes(), is_command, is_dashboard, "proof") {
            Said::Events(events) => Some(events.into_iter().map(|(_, event)| event).collect()),
            Said::Ignored(_) => None,
        }
    }

    #[test]
    fn what_matters_is_read_and_all_else_is_ignored() {
        let sha = "0".repeat(40);
        let commit: CommitId = sha.parse().expect("an id");
        let branch = |name: &str| name.parse::<BranchName>().expect("a branch");
        let ann = json!({"login": "ann", "type": "User"});
        let bot = json!({"login": "x[bot]", "type": "Bot"});
        let pull = json!({"number": 4, "pull_request": {}, "body": "x"});
        let comment = |user: &Value| json!({"id": 9, "body": "/sourceward retry", "user": user});
        let board = json!({"number": 5, "body": "board"});
        let asked = Asked::Comment { id: 9, number: 4, login: "ann".to_owned(), text: "/sourceward retry".to_owned() };
        let ticked = Asked::Ticked { number: 5, login: "ann".to_owned(), text: "board".to_owned() };
        let queue = format!("gh-readonly-queue/main/pr-104-{sha}");
        let cases: Vec<(&str, Value, Option<Event>)> = vec![
            ("push", json!({"ref": "refs/heads/main"}), Some(Event::Pushed(branch("main")))),
            ("push", json!({"ref": "refs/tags/v1"}), None),
            ("push", json!({"ref": "refs/heads/x", "deleted": true}), None),
            ("push", json!({"ref": "refs/heads/$(id)"}), None),
            ("pull_request", json!({"action": "closed", "pull_request": {"number": 4}}), Some(Event::PullRequest(4))),
            ("pull_request", json!({"action": "labeled", "pull_request": {"number": 4}}), None),
            (
                "issue_comment",
                json!({"action": "created", "issue": pull, "comment": comment(&ann)}),
                Some(Event::Asked(asked)),
            ),
            ("issue_comment", json!({"action": "created", "issue": pull, "comment": comment(&bot)}), None),
            ("issue_comment", json!({"action": "edited", "issue": pull, "comment": comment(&ann)}), None),
            ("issue_comment", json!({"action": "created", "issue": board, "comment": comment(&ann)}), None),
            ("issues", json!({"action": "edited", "issue": board, "sender": ann}), Some(Event::Asked(ticked))),
            ("issues", json!({"action": "edited", "issue": board, "sender": bot}), None),
            ("issues", json!({"action": "opened", "issue": board, "sender": ann}), None),
            (
                "check_run",
                json!({"action": "rerequested", "check_run": {"name": "proof", "head_sha": sha, "pull_requests": [{"number": 4}]}}),
                Some(Event::Asked(Asked::CheckAgain { head: commit.clone(), numbers: vec![4] })),
            ),
            ("check_run", json!({"action": "rerequested", "check_run": {"name": "lint", "head_sha": sha}}), None),
            (
                "merge_group",
                json!({"action": "checks_requested", "merge_group": {"head_sha": sha, "head_ref": format!("refs/heads/{queue}")}}),
                Some(Event::Asked(Asked::Queued { head: commit, branch: branch(&queue) })),
            ),
            ("repository", json!({"action": "renamed"}), Some(Event::Renamed("acme/shop".parse().expect("a slug")))),
            ("repository", json!({"action": "deleted"}), Some(Event::Gone)),
            ("star", json!({"action": "created"}), None),
        ];
        for (event, mut payload, expected) in cases {
            payload["repository"] = json!({"id": 1, "full_name": "Acme/Shop", "private": true});
            assert_eq!(said(event, &payload), expected.map(|event| vec![event]), "{event} {payload}");
        }
        assert_eq!(queued_number(&branch(&queue)), Some(104));
        assert_eq!(queued_number(&branch("gh-readonly-queue/main/x")), None);
    }

    #[test]
    fn an_installation_names_its_repositories() {
        let two = json!([{"id": 1, "full_name": "a/b"}, {"id": 2, "full_name": "a/c"}, {"id": 3, "full_name": "?"}]);
        for (event, payload, expected) in [
            ("installation", json!({"action": "created", "repositories": two}), vec![Event::Back, Event::Back]),
            (
                "installation",
                json!({"action": "deleted", "repositories": two}),
                vec![Event::Away("the App was removed"); 2],
            ),
            (
                "installation_repositories",
                json!({"action": "removed", "repositories_added": [], "repositories_removed": [{"id": 1, "full_name": "a/b"}]}),
                vec![Event::Away("the App was removed from the repository")],
            ),
        ] {
            assert_eq!(said(event, &payload), Some(expected), "{event}");
        }
        for strange in [json!([]), json!({"repository": 7}), json!({"action": {}}), Value::Null] {
            assert_eq!(said("push", &strange), None);
        }
    }
}
