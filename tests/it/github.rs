//! A fake GitHub that behaves: what is created over HTTP is there afterwards, in a real bare git repository that a git
//! remote may serve at the same time, and what GitHub refuses it refuses.
//!
//! It is strict where a test would else prove nothing: a call that it does not know fails the test by name, and so does
//! a pull request, comment or branch that was created and never looked at, an ordered fault that never happened, and a
//! request or an answer that is not as GitHub describes it.

mod api;
mod app;
pub(crate) mod contract;
mod objects;
pub(crate) mod recorded;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use axum::Router;
use git2::Repository;
use sourceward::{
    model::secret::Secret,
    shell::forge::{self, Credential, budget::Budget, call::Limits},
};

use crate::remote::{Remote, Server, Weather};

/// The App that every fake GitHub knows; its key was made for these tests and opens nothing.
pub(crate) const APP: u64 = 4711;
pub(crate) const APP_KEY: &str = include_str!("github/app.pem");
const APP_PUBLIC_KEY: &str = include_str!("github/app.pub.pem");

/// The token of the user `robot`, who may do everything.
pub(crate) const TOKEN: &str = "ghp_robot0123456789";

/// The token of a workflow run, and one of an App's that a workflow has asked for. GitHub signs what they commit by its API,
/// and tells by GraphQL alone whose they are.
pub(crate) const WORKFLOW_TOKEN: &str = "ghs_workflow0123456789";
pub(crate) const APPS_TOKEN: &str = "ghs_ofanapp0123456789";

/// The fake.
pub(crate) struct GitHub {
    server: Server,
    prefix: &'static str,
    state: Arc<Mutex<State>>,
    _place: tempfile::TempDir,
}

/// What the fake does with the next call that fits, besides or instead of what was asked.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// Answers this status and does nothing.
    Status(u16),
    /// Answers with these headers and does nothing.
    Refuse(u16, Vec<(&'static str, String)>, &'static str),
    /// Does what was asked and answers this status.
    EffectThen(u16),
    /// Does what was asked and closes the connection.
    LoseAnswer,
    /// Waits before it answers.
    Slow(Duration),
    /// Adds a header to the answer.
    Header(&'static str, String),
    /// Lets a person push to this branch first.
    PersonPushes(&'static str, &'static str),
    /// Answers this instead of what it would say.
    Says(serde_json::Value),
    /// Answers more than anyone wants to read.
    Huge,
}

#[derive(Default)]
struct State {
    root: PathBuf,
    base: String,
    repositories: BTreeMap<String, Repo>,
    tokens: BTreeMap<String, Grant>,
    /// What the App's installation may do at most.
    granted: BTreeMap<String, String>,
    verified: BTreeSet<String>,
    log: Vec<String>,
    faults: VecDeque<(String, Fault)>,
    complaints: Vec<String>,
    unread: BTreeSet<String>,
    minted: usize,
    slow_mint: Option<Duration>,
    weather: Option<Weather>,
    /// Old names and the present ones.
    renamed: BTreeMap<String, String>,
    apps: app::Apps,
    /// How many repositories were ever made: no number is given twice.
    made: u64,
}

#[derive(Default)]
struct Repo {
    id: u64,
    pulls: BTreeMap<u64, Pull>,
    issues: BTreeMap<u64, Issue>,
    comments: BTreeMap<u64, (u64, String, String)>,
    /// What was reacted to a comment, and by whom.
    reactions: BTreeMap<u64, Vec<(String, String)>>,
    /// Check runs and statuses by commit, the newest last.
    checks: BTreeMap<String, Vec<serde_json::Value>>,
    /// Who may do what, beside `robot` and `ann`, who may write.
    collaborators: BTreeMap<String, String>,
    archived: bool,
    next: u64,
}

#[derive(Clone)]
struct Issue {
    title: String,
    body: String,
    open: bool,
    author: String,
}

#[derive(Clone)]
struct Pull {
    title: String,
    body: String,
    head: String,
    head_sha: String,
    base: String,
    draft: bool,
    open: bool,
    merged: bool,
    labels: Vec<String>,
    author: String,
    closed_by: Option<String>,
    merged_at: &'static str,
    updated_at: &'static str,
    reviewers: Vec<String>,
    assignees: Vec<String>,
}

/// What a token may do.
#[derive(Clone)]
struct Grant {
    login: &'static str,
    /// The one repository; absent: all.
    only: Option<String>,
    /// Absent: everything.
    permissions: Option<BTreeMap<String, String>>,
    expired: bool,
}

impl GitHub {
    /// A GitHub with the repository `acme/shop` of these files.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        Self::at("", files)
    }

    /// A GitHub whose API lies below a path, as GitHub Enterprise Server's does.
    pub(crate) fn at(prefix: &'static str, files: &[(&str, &str)]) -> Self {
        let place = tempfile::tempdir().expect("a folder");
        let state = Arc::new(Mutex::new(State { root: place.path().to_owned(), ..State::default() }));
        let shared = state.clone();
        let server = Server::start(Router::new().fallback(move |request| api::answer(shared.clone(), prefix, request)));
        {
            let mut state = state.lock().expect("no panic");
            state.base = format!("http://{}{prefix}", server.address);
            let robot = Grant { login: "robot", only: None, permissions: None, expired: false };
            state.tokens.insert(TOKEN.to_owned(), robot);
            let may = ["contents", "pull_requests"].map(|name| (name.to_owned(), "write".to_owned()));
            for (token, login) in [(WORKFLOW_TOKEN, "github-actions[bot]"), (APPS_TOKEN, "mender[bot]")] {
                let only = Some("acme/shop".to_owned());
                let grant = Grant { login, only, permissions: Some(may.clone().into()), expired: false };
                state.tokens.insert(token.to_owned(), grant);
            }
            for name in ["contents", "pull_requests", "checks", "issues"] {
                state.granted.insert(name.to_owned(), "write".to_owned());
            }
        }
        let github = Self { server, prefix, state, _place: place };
        github.add_repository("acme/shop", files);
        github
    }

    /// Adds a repository with one commit on `main`.
    pub(crate) fn add_repository(&self, slug: &str, files: &[(&str, &str)]) {
        let mut state = self.state();
        let repository = Repository::init_bare(state.folder(slug)).expect("made");
        repository.set_head("refs/heads/main").expect("set");
        let id = 1000 + state.made;
        state.made += 1;
        state.repositories.insert(slug.to_owned(), Repo { id, next: 1, ..Repo::default() });
        objects::person_commits(&repository, "main", files);
    }

    /// Our client, as the App.
    pub(crate) fn as_app(&self) -> forge::GitHub {
        self.client(&Credential::App { id: APP, key: Secret::new(APP_KEY) })
    }

    /// Our client, with the token of `robot`.
    pub(crate) fn as_robot(&self) -> forge::GitHub {
        self.client(&Credential::Token(Secret::new(TOKEN)))
    }

    pub(crate) fn client(&self, credential: &Credential) -> forge::GitHub {
        let limits = Limits {
            connect: Duration::from_secs(5),
            answer: Duration::from_secs(20),
            pause: Duration::from_millis(5),
            budget: Budget { at_once: 100, points: 100_000, content: 100_000, content_hourly: 100_000 },
        };
        self.client_with(credential, limits)
    }

    pub(crate) fn client_with(&self, credential: &Credential, limits: Limits) -> forge::GitHub {
        forge::GitHub::new(&self.address(), credential, limits).expect("connects")
    }

    pub(crate) fn address(&self) -> String {
        format!("http://{}{}", self.server.address, self.prefix)
    }

    /// The same repositories as a git remote over HTTP: `acme/shop.git`, for who has a token of this GitHub's.
    pub(crate) fn remote(&self) -> Remote {
        let state = self.state.clone();
        let root = self.state().root.clone();
        Remote::accepting(&root, move |token| {
            state.lock().expect("no panic").tokens.get(token).is_some_and(|grant| !grant.expired)
        })
    }

    /// Where the bare repository is, for the real git.
    pub(crate) fn folder(&self, slug: &str) -> PathBuf {
        self.state().folder(slug)
    }

    /// Orders a fault for the next call whose line (`POST /repos/acme/shop/pulls`) contains this text.
    pub(crate) fn fail(&self, call: &str, fault: Fault) {
        self.state().faults.push_back((call.to_owned(), fault));
    }

    /// Lets things go wrong at random from now on, or no more; what had gone wrong.
    pub(crate) fn set_weather(&self, weather: Option<Weather>) -> (usize, usize) {
        let before = std::mem::replace(&mut self.state().weather, weather);
        before.map_or((0, 0), |weather| weather.struck)
    }

    /// Ends all installation tokens, as a revocation does.
    pub(crate) fn expire_tokens(&self) {
        for grant in self.state().tokens.values_mut().filter(|grant| grant.only.is_some()) {
            grant.expired = true;
        }
    }

    /// What the App's installation may do at most.
    pub(crate) fn grant(&self, permissions: &[(&str, &str)]) {
        self.state().granted =
            permissions.iter().map(|(name, level)| ((*name).to_owned(), (*level).to_owned())).collect();
    }

    /// Makes minting slow, so that calls pile up.
    pub(crate) fn mint_slowly(&self, time: Duration) {
        self.state().slow_mint = Some(time);
    }

    /// How many installation tokens were minted.
    pub(crate) fn minted(&self) -> usize {
        self.state().minted
    }

    /// The calls so far, as `GET /repos/acme/shop`, with their query.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.state().log.clone()
    }

    /// The calls so far that could change something; tokens apart, which change nothing that anyone sees.
    pub(crate) fn mutations(&self) -> Vec<String> {
        let looks = |line: &String| line.starts_with("GET ") || line.starts_with("QUERY ");
        let changes = |line: &String| !looks(line) && !line.ends_with("/access_tokens");
        self.calls().into_iter().filter(changes).collect()
    }

    /// Forgets the calls so far: what follows is counted anew.
    pub(crate) fn forget_calls(&self) {
        self.state().log.clear();
    }

    /// Where a branch is; this counts as having looked at it.
    pub(crate) fn branch(&self, slug: &str, branch: &str) -> Option<String> {
        let mut state = self.state();
        state.unread.remove(&format!("branch {branch} of {slug}"));
        state.head(slug, branch)
    }

    /// A pull request to look at; it must exist.
    pub(crate) fn pull_request(&self, slug: &str, number: u64) -> Seen {
        let mut state = self.state();
        state.unread.remove(&format!("pull request {number} of {slug}"));
        Seen(state.repositories[slug].pulls.get(&number).cloned().expect("this pull request was opened"))
    }

    /// Tells whether GitHub made a commit itself, for an App.
    pub(crate) fn is_verified(&self, commit: &str) -> bool {
        self.state().verified.contains(commit)
    }

    /// How many pull requests there are.
    pub(crate) fn pull_requests(&self, slug: &str) -> usize {
        self.state().repositories[slug].pulls.len()
    }

    /// The comments at a pull request, oldest first.
    pub(crate) fn comments(&self, slug: &str, number: u64) -> Vec<String> {
        let mut state = self.state();
        state.unread.retain(|unread| !unread.starts_with(&format!("comment at {number} of {slug}")));
        let comments = state.repositories[slug].comments.values();
        comments.filter(|(at, ..)| *at == number).map(|(_, _, text)| text.clone()).collect()
    }

    /// Lets someone else comment.
    pub(crate) fn person_comments(&self, slug: &str, number: u64, text: &str) {
        let mut state = self.state();
        let repo = state.repositories.get_mut(slug).expect("exists");
        let id = 5000 + repo.comments.len() as u64;
        repo.comments.insert(id, (number, "mallory".to_owned(), text.to_owned()));
    }

    /// Lets a person push a commit to a branch; the new head.
    pub(crate) fn person_pushes(&self, slug: &str, branch: &str, files: &[(&str, &str)]) -> String {
        let folder = self.folder(slug);
        objects::person_commits(&Repository::open_bare(folder).expect("opens"), branch, files)
    }

    /// Lets a person close a pull request unmerged.
    pub(crate) fn person_closes(&self, slug: &str, number: u64) {
        let mut state = self.state();
        let pull = state.pull(slug, number);
        (pull.open, pull.closed_by) = (false, Some("ann".to_owned()));
    }

    /// Lets a person open a closed pull request again.
    pub(crate) fn person_reopens(&self, slug: &str, number: u64) {
        let mut state = self.state();
        let (branch, sha) = {
            let pull = state.pull(slug, number);
            (pull.open, pull.closed_by) = (true, None);
            (pull.head.clone(), pull.head_sha.clone())
        };
        let repository = state.open(slug);
        objects::set_branch(&repository, &branch, &sha);
    }

    /// Lets the merge of a pull request be long ago.
    pub(crate) fn merged_long_ago(&self, slug: &str, number: u64) {
        self.state().pull(slug, number).merged_at = "2020-01-01T00:00:00Z";
    }

    /// Lets a pull request be somebody else's.
    pub(crate) fn written_by(&self, slug: &str, number: u64, login: &str) {
        self.state().pull(slug, number).author = login.to_owned();
    }

    /// Lets something happen to a pull request, later than anything else.
    pub(crate) fn touched_just_now(&self, slug: &str, number: u64) {
        self.state().pull(slug, number).updated_at = "2999-01-01T00:00:00Z";
    }

    /// What a person may do in a repository: `admin`, `write`, `read` or `none`.
    pub(crate) fn permit(&self, slug: &str, login: &str, permission: &str) {
        let mut state = self.state();
        let repo = state.repositories.get_mut(slug).expect("exists");
        repo.collaborators.insert(login.to_owned(), permission.to_owned());
    }

    /// Lets a person comment; the comment's number.
    pub(crate) fn comments_as(&self, slug: &str, number: u64, login: &str, text: &str) -> u64 {
        let mut state = self.state();
        let repo = state.repositories.get_mut(slug).expect("exists");
        let id = 5000 + repo.comments.len() as u64;
        repo.comments.insert(id, (number, login.to_owned(), text.to_owned()));
        id
    }

    /// What was reacted to a comment, in order; this counts as having looked at it.
    pub(crate) fn reactions(&self, slug: &str, comment: u64) -> Vec<String> {
        let mut state = self.state();
        state.unread.remove(&format!("reactions to {comment} of {slug}"));
        let found = state.repositories[slug].reactions.get(&comment);
        found.into_iter().flatten().map(|(_, content)| content.clone()).collect()
    }

    /// The text of an issue; absent where there is none. This counts as having looked at it.
    pub(crate) fn issue(&self, slug: &str, number: u64) -> Option<String> {
        let mut state = self.state();
        state.unread.remove(&format!("issue {number} of {slug}"));
        state.repositories[slug].issues.get(&number).map(|issue| issue.body.clone())
    }

    /// The numbers of the issues that are no pull requests.
    pub(crate) fn issues(&self, slug: &str) -> Vec<u64> {
        self.state().repositories[slug].issues.keys().copied().collect()
    }

    /// Lets a person edit the text of an issue.
    pub(crate) fn person_edits_issue(&self, slug: &str, number: u64, body: &str) {
        let mut state = self.state();
        let repo = state.repositories.get_mut(slug).expect("exists");
        repo.issues.get_mut(&number).expect("there").body = body.to_owned();
    }

    /// The checks of a commit, the newest last: conclusion or state, and title or description.
    pub(crate) fn checks(&self, slug: &str, sha: &str) -> Vec<(String, String)> {
        let state = self.state();
        let found = state.repositories[slug].checks.get(sha).into_iter().flatten();
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        found
            .map(|check| match check.get("conclusion") {
                Some(conclusion) => (text(conclusion), text(&check["output"]["title"])),
                None => (text(&check["state"]), text(&check["description"])),
            })
            .collect()
    }

    /// The whole of the newest check run of a commit.
    pub(crate) fn check_run(&self, slug: &str, sha: &str) -> serde_json::Value {
        self.state().repositories[slug].checks[sha].last().cloned().expect("a check")
    }

    /// Gives a repository another name. The old one leads to it until somebody takes it.
    pub(crate) fn rename(&self, from: &str, to: &str) {
        let mut state = self.state();
        let repo = state.repositories.remove(from).expect("exists");
        std::fs::create_dir_all(state.folder(to).parent().expect("a folder")).expect("made");
        std::fs::rename(state.folder(from), state.folder(to)).expect("moved");
        state.repositories.insert(to.to_owned(), repo);
        state.renamed.insert(from.to_owned(), to.to_owned());
        let unread = std::mem::take(&mut state.unread);
        state.unread = unread.into_iter().map(|line| line.replace(from, to)).collect();
    }

    /// Lets a person agree to the manifest of an App; the code that stands for it, or why GitHub takes no such App.
    pub(crate) fn agree(&self, manifest: &serde_json::Value, code: &str) -> Result<(), String> {
        self.state().apps.agree(manifest, code)
    }

    /// A delivery of the App's webhook that was tried, so long ago, and answered with this status.
    pub(crate) fn delivered(&self, id: &str, ago: Duration, status: u16) {
        self.state().apps.delivered(id, ago, status);
    }

    /// Deletes a repository, with all that nobody looked at.
    pub(crate) fn delete(&self, slug: &str) {
        let mut state = self.state();
        state.repositories.remove(slug).expect("exists");
        std::fs::remove_dir_all(state.folder(slug)).expect("removed");
        state.unread.retain(|line| !line.ends_with(&format!(" of {slug}")));
    }

    /// Lets a person edit the text of a pull request.
    pub(crate) fn person_edits_pull(&self, slug: &str, number: u64, body: &str) {
        self.state().pull(slug, number).body = body.to_owned();
    }

    /// All that was written into a repository but its files: pull requests, issues, comments, checks. This counts as having
    /// looked at all of it.
    pub(crate) fn everything_said(&self, slug: &str) -> String {
        let mut state = self.state();
        state.unread.clear();
        let repo = &state.repositories[slug];
        let pulls = repo
            .pulls
            .values()
            .map(|pull| [pull.title.as_str(), &pull.body, &pull.head, &pull.labels.join(" ")].join("\n"));
        let issues = repo.issues.values().map(|issue| [issue.title.as_str(), &issue.body].join("\n"));
        let comments = repo.comments.values().map(|(_, _, text)| text.clone());
        let checks = repo.checks.values().flatten().map(ToString::to_string);
        pulls.chain(issues).chain(comments).chain(checks).collect::<Vec<_>>().join("\n")
    }

    /// The number of a repository.
    pub(crate) fn id(&self, slug: &str) -> u64 {
        self.state().repositories[slug].id
    }

    /// Lets a person merge a pull request.
    pub(crate) fn person_merges(&self, slug: &str, number: u64) {
        let mut state = self.state();
        let pull = state.refreshed(slug, number).clone();
        let repository = state.open(slug);
        objects::set_branch(&repository, &pull.base, &pull.head_sha);
        let pull = state.pull(slug, number);
        (pull.open, pull.merged) = (false, true);
        pull.merged_at = "2999-01-01T00:00:00Z";
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic")
    }
}

impl Drop for GitHub {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let state = self.state();
        let mut trouble = state.complaints.clone();
        trouble.extend(state.unread.iter().map(|unread| format!("nobody looked at {unread}")));
        trouble.extend(state.faults.iter().map(|fault| format!("this fault never happened: {fault:?}")));
        drop(state);
        assert!(trouble.is_empty(), "the fake GitHub complains:\n{}", trouble.join("\n"));
    }
}

impl State {
    fn folder(&self, slug: &str) -> PathBuf {
        self.root.join(Path::new(&format!("{slug}.git")))
    }

    fn open(&self, slug: &str) -> Repository {
        Repository::open_bare(self.folder(slug)).expect("opens")
    }

    fn head(&self, slug: &str, branch: &str) -> Option<String> {
        self.open(slug).refname_to_id(&format!("refs/heads/{branch}")).ok().map(|id| id.to_string())
    }

    fn pull(&mut self, slug: &str, number: u64) -> &mut Pull {
        let repo = self.repositories.get_mut(slug).expect("exists");
        repo.pulls.get_mut(&number).expect("this pull request was opened")
    }
}

/// A pull request as it is now.
pub(crate) struct Seen(Pull);

impl Seen {
    pub(crate) fn expect_open(self) -> Self {
        assert!(self.0.open, "{} is not open", self.0.title);
        self
    }

    pub(crate) fn expect_closed(self) -> Self {
        assert!(!self.0.open && !self.0.merged, "{} is open or merged", self.0.title);
        self
    }

    pub(crate) fn expect_title(self, title: &str) -> Self {
        assert_eq!(self.0.title, title);
        self
    }

    pub(crate) fn expect_body(self, body: &str) -> Self {
        assert_eq!(self.0.body, body);
        self
    }

    pub(crate) fn is_open(&self) -> bool {
        self.0.open
    }

    pub(crate) fn head(&self) -> &str {
        &self.0.head
    }

    pub(crate) fn text(self) -> String {
        format!("{}\n{}", self.0.title, self.0.body)
    }

    /// Expects these texts in the body, in this order.
    pub(crate) fn expect_in_body(self, texts: &[&str]) -> Self {
        let mut rest = self.0.body.as_str();
        for text in texts {
            let (_, after) = rest.split_once(text).unwrap_or_else(|| panic!("{text:?} is not in\n{rest}"));
            rest = after;
        }
        self
    }

    pub(crate) fn expect_branches(self, head: &str, base: &str) -> Self {
        assert_eq!((self.0.head.as_str(), self.0.base.as_str()), (head, base));
        self
    }

    pub(crate) fn expect_labels(self, labels: &[&str]) -> Self {
        assert_eq!(self.0.labels, labels);
        self
    }

    pub(crate) fn expect_draft(self) -> Self {
        assert!(self.0.draft, "{} is no draft", self.0.title);
        self
    }

    pub(crate) fn expect_involved(self, reviewers: &[&str], assignees: &[&str]) -> Self {
        assert_eq!(
            (self.0.reviewers.as_slice(), self.0.assignees.as_slice()),
            (&texts(reviewers)[..], &texts(assignees)[..])
        );
        self
    }

    pub(crate) fn expect_author(self, login: &str) -> Self {
        assert_eq!(self.0.author, login);
        self
    }
}

fn texts(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
