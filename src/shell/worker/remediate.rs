//! The job: from a claim's cases to pull requests.
//!
//! A repository is fetched once, all its cases are judged against that one commit, and all their branches are pushed
//! together. Every step looks before it acts, so that a job which was cut off anywhere is simply done again.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use anyhow::Context;
use tokio::runtime::Handle;

use super::{Job, Lease};
use crate::{
    model::{
        finding,
        refusal::{Code, Refusal},
        repository::{BranchName, CommitId, RepoSlug},
        secret::Secret,
    },
    remedy::{
        Verdict, judge,
        lifecycle::{self, Commits as Authors, Observed, Step, Text},
        proof::Proved,
        pull_request::{Circumstances, PullRequest, pull_request, title},
    },
    shell::{
        config::{Config, Identity},
        forge::{
            self, Credential, GitHub,
            call::Limits,
            commit::Changes,
            pull_request::{self as forged, Proposal, State},
        },
        git::{self, commit::Author, history::Written, mirror::Mirror, push::Update, remote::RemoteAddress},
        store::{
            case::{self, Case},
            lease::{Claim, Outcome, Transition},
        },
    },
    stack::catalog::Catalog,
};

/// How long a conversation with a remote may take.
const CONVERSATION: Duration = Duration::from_secs(120);

/// A branch that is further ahead of its base than this was not made here.
const MAX_COMMITS: usize = 50;

/// The label that every pull request carries.
const LABEL: &str = "sourceward";

/// Everything that the job needs.
pub struct Remediation {
    /// Where the mirrors are kept; a cache.
    pub mirrors: PathBuf,
    /// The repositories that are looked after.
    pub targets: BTreeMap<RepoSlug, Target>,
    /// The forge.
    pub github: GitHub,
    /// How commits get there.
    pub commits: Commits,
    /// Where the forge's calls run.
    pub runtime: Handle,
}

/// A repository that is looked after.
#[derive(Clone, Debug)]
pub struct Target {
    /// Where it is fetched from and pushed to.
    pub remote: RemoteAddress,
    /// The branch that is deployed.
    pub branch: BranchName,
}

/// How commits get to the forge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commits {
    /// Made here and pushed with git, all branches at once.
    Push,
    /// Made by the forge's API, which signs an App's commits.
    Api,
}

/// Why the work on a case, or on all cases of a claim, could not be done now.
struct Trouble(Outcome);

/// A case whose pull request has to be brought about.
struct Wanted<'c> {
    case: &'c Case,
    request: PullRequest,
    changes: Changes,
    /// Where the branch is now.
    head: Option<CommitId>,
    observed: Option<forged::PullRequest>,
    steps: Vec<Step>,
}

impl Remediation {
    /// What the operator's configuration describes. To be called within a tokio runtime.
    ///
    /// # Errors
    /// Where a remote's address or the way to GitHub is not acceptable, in words for the operator.
    pub fn from_config(config: &Config) -> anyhow::Result<Self> {
        let github =
            config.github.as_ref().context("the configuration has no github section, so nothing can be proposed")?;
        let credential = match &github.identity {
            Identity::Token(token) => Credential::Token(token.clone()),
            Identity::App { id, private_key } => Credential::App { id: *id, key: private_key.clone() },
        };
        let commits = if matches!(credential, Credential::App { .. }) { Commits::Api } else { Commits::Push };
        let mut targets = BTreeMap::new();
        for repository in &config.repositories {
            let address = repository.remote.clone().unwrap_or_else(|| clone_address(&github.api, &repository.slug));
            let remote = address.parse().with_context(|| format!("the remote of {}", repository.slug))?;
            targets.insert(repository.slug.clone(), Target { remote, branch: repository.branch.clone() });
        }
        Ok(Self {
            mirrors: config.data.join("mirrors"),
            targets,
            github: GitHub::new(&github.api, &credential, Limits::default())?,
            commits,
            runtime: Handle::current(),
        })
    }

    /// The job that the workers run.
    pub fn job(self) -> Job {
        Arc::new(move |claim, lease| self.work(claim, lease))
    }

    fn work(&self, claim: &Claim, lease: &Lease) -> Vec<Transition> {
        let outcomes = match self.judge_all(claim, lease) {
            Ok(outcomes) => outcomes,
            Err(Trouble(outcome)) => claim.cases.iter().map(|_| outcome.clone()).collect(),
        };
        let transition = |(case, outcome): (&Case, Outcome)| {
            let finding = &case.finding.id;
            tracing::info!(case = case.id.0, finding, outcome = name(&outcome), "case was worked on");
            Transition { case: case.id, outcome }
        };
        claim.cases.iter().zip(outcomes).map(transition).collect()
    }

    /// The outcome of each case of a claim, in their order.
    fn judge_all(&self, claim: &Claim, lease: &Lease) -> Result<Vec<Outcome>, Trouble> {
        let slug = &claim.repository;
        let target = self.targets.get(slug).ok_or_else(|| {
            let hint = "add the repository to the server's configuration, then have the case tried again";
            let message = format!("this server does not look after {slug}");
            Trouble(Outcome::Refused(Refusal::new(Code::RepositoryUnknown, message, hint)))
        })?;
        let token = self.token(slug, target)?;
        let folder = self.mirrors.join(slug.owner()).join(format!("{}.git", slug.name()));
        let mirror = Mirror::open(&folder, target.remote.clone(), CONVERSATION)?;
        let mut branches = vec![target.branch.clone()];
        branches.extend(claim.cases.iter().map(|case| title::branch(&case.finding.resource, &case.fingerprint)));
        let fetched = mirror.fetch(&branches, token.as_ref())?;
        let base = fetched.branches.get(&target.branch).ok_or_else(|| {
            Trouble(Outcome::Retry(format!("{slug} has no branch {}: mend the server's configuration", target.branch)))
        })?;
        let tree = mirror.tree(base)?;
        let catalog = Catalog::of(&tree).map_err(|refusal| Trouble(Outcome::Refused(refusal)))?;

        let mut outcomes: Vec<Option<Outcome>> = Vec::new();
        let mut wanted = Vec::new();
        for case in &claim.cases {
            if case.finding.state == finding::State::Resolved {
                outcomes.push(Some(Outcome::Resolved("reported as over".to_owned())));
                continue;
            }
            match judge(&catalog, &case.finding) {
                Verdict::InSync => outcomes.push(Some(Outcome::Resolved("the source already says so".to_owned()))),
                Verdict::Refused(refusal) => outcomes.push(Some(Outcome::Refused(refusal))),
                Verdict::Patched(proved) => {
                    let branch = title::branch(&case.finding.resource, &case.fingerprint);
                    let head = fetched.branches.get(&branch);
                    let authors = head.map_or(Ok(Authors::Ours), |head| self.authors(case, &mirror, base, head));
                    match authors.and_then(|authors| self.wanted(slug, case, &proved, head.cloned(), authors)) {
                        Ok(one) => {
                            wanted.push(one);
                            outcomes.push(None);
                        }
                        Err(Trouble(outcome)) => outcomes.push(Some(outcome)),
                    }
                }
            }
        }
        if !lease.held() {
            return Err(Trouble(Outcome::Retry("the lease was taken away".to_owned())));
        }
        self.move_branches(slug, &mirror, base, &wanted, token.as_ref())?;
        let mut done = wanted.iter().map(|one| self.propose(slug, target, lease, one));
        let settled = outcomes.into_iter().map(|outcome| match outcome {
            Some(outcome) => outcome,
            None => match done.next() {
                Some(Ok(outcome) | Err(Trouble(outcome))) => outcome,
                None => Outcome::Retry("the case was not worked on".to_owned()),
            },
        });
        Ok(settled.collect())
    }

    /// A token for git, where the remote is spoken to by HTTP.
    fn token(&self, slug: &RepoSlug, target: &Target) -> Result<Option<Secret>, Trouble> {
        if !target.remote.takes_credentials() {
            return Ok(None);
        }
        Ok(Some(self.runtime.block_on(self.github.token(slug))?))
    }

    /// The pull request that a proved edit should have, and the steps that lead there from what the forge shows.
    fn wanted<'c>(
        &self,
        slug: &RepoSlug,
        case: &'c Case,
        proved: &Proved,
        head: Option<CommitId>,
        authors: Authors,
    ) -> Result<Wanted<'c>, Trouble> {
        let branch = title::branch(&case.finding.resource, &case.fingerprint);
        let observed = self.runtime.block_on(self.github.find_pull_request(slug, &branch))?;
        let seen = match &observed {
            None => Observed::Nothing,
            Some(found) => {
                let text = Text { title: found.title.clone(), body: found.body.clone() };
                match found.state {
                    State::Open => Observed::Open(text),
                    State::Closed => Observed::Closed(text),
                    State::Merged => Observed::Merged(text),
                }
            }
        };
        let earlier = lifecycle::earlier(&seen);
        let around =
            Circumstances { sender: Some(&case.sender), earlier: earlier.as_ref(), ..Circumstances::default() };
        let request = pull_request(&case.finding, proved, &case.fingerprint, around);
        let steps = lifecycle::steps(&seen, authors, &request);
        let files = proved.files().iter();
        let changes = files.map(|(path, file)| (path.clone(), Some(file.after.as_bytes().into()))).collect();
        Ok(Wanted { case, request, changes, head, observed, steps })
    }

    /// Who wrote what the branch of a case has and the base has not.
    ///
    /// A commit is ours if our account wrote it and its message names the case, as only our commits do.
    fn authors(&self, case: &Case, mirror: &Mirror, base: &CommitId, head: &CommitId) -> Result<Authors, Trouble> {
        let login = self.runtime.block_on(self.github.login())?;
        let trailer = format!("Sourceward-Case: {}", case.fingerprint);
        let ours = |commit: &Written| {
            let ours = commit.author == mail(login) || commit.author.ends_with(&format!("+{}", mail(login)));
            ours && commit.message.lines().any(|line| line == trailer)
        };
        let commits = mirror.commits_beyond(base, head, MAX_COMMITS)?;
        let all = commits.len() < MAX_COMMITS && commits.iter().all(ours);
        Ok(if all { Authors::Ours } else { Authors::Foreign })
    }

    /// Moves every branch that a step wants moved, each from where it was seen.
    fn move_branches(
        &self,
        slug: &RepoSlug,
        mirror: &Mirror,
        base: &CommitId,
        wanted: &[Wanted<'_>],
        token: Option<&Secret>,
    ) -> Result<(), Trouble> {
        let moves = |one: &&Wanted<'_>| one.steps.iter().any(|step| matches!(step, Step::Open | Step::UpdateBranch));
        let moving: Vec<_> = wanted.iter().filter(moves).collect();
        if moving.is_empty() {
            return Ok(());
        }
        if self.commits == Commits::Api {
            for one in moving {
                let (branch, message) = (&one.request.branch, &one.request.commit_message);
                let made = self.github.ensure_commit(slug, branch, one.head.as_ref(), base, &one.changes, message);
                self.runtime.block_on(made)?;
            }
            return Ok(());
        }
        let login = self.runtime.block_on(self.github.login())?.to_owned();
        let mut updates = Vec::new();
        for one in moving {
            // The time of the revision, not of this try: the same revision is the same commit.
            let author = Author { name: login.clone(), mail: mail(&login), time: one.case.updated_at / 1_000 };
            let commit = mirror.commit(base, &one.changes, &one.request.commit_message, &author)?;
            updates.push(Update { branch: one.request.branch.clone(), commit, expected: one.head.clone() });
        }
        mirror.push(&updates, token)?;
        Ok(())
    }

    fn propose(&self, slug: &RepoSlug, target: &Target, lease: &Lease, one: &Wanted<'_>) -> Result<Outcome, Trouble> {
        let mut shown = one.observed.clone();
        for step in &one.steps {
            if !lease.held() {
                return Err(Trouble(Outcome::Retry("the lease was taken away".to_owned())));
            }
            match (step, &shown) {
                (Step::Open, _) => {
                    let proposal = Proposal {
                        head: &one.request.branch,
                        base: &target.branch,
                        title: &one.request.title,
                        body: &one.request.body,
                        draft: false,
                        labels: &[LABEL],
                    };
                    let (opened, done) = self.runtime.block_on(self.github.open_pull_request(slug, &proposal))?;
                    tracing::info!(case = one.case.id.0, number = opened.number, ?done, "pull request is open");
                    shown = Some(opened);
                }
                (Step::UpdateText, Some(found)) => {
                    let (title, body) = (Some(one.request.title.as_str()), Some(one.request.body.as_str()));
                    let update = self.github.update_pull_request(slug, found.number, title, body);
                    shown = Some(self.runtime.block_on(update)?.0);
                }
                (Step::LeaveToHuman(hold), _) => {
                    tracing::info!(case = one.case.id.0, ?hold, "the pull request is left to people");
                }
                (Step::UpdateText | Step::UpdateBranch | Step::Nothing(_), _) => {}
            }
        }
        match shown {
            Some(shown) => Ok(Outcome::Proposed(case::PullRequest { number: shown.number, url: shown.url })),
            None => Err(Trouble(Outcome::Retry("the pull request is not there".to_owned()))),
        }
    }
}

impl From<git::Error> for Trouble {
    fn from(error: git::Error) -> Self {
        let passes = error.is_transient() || matches!(error, git::Error::Moved { .. } | git::Error::Denied { .. });
        Self(if passes { Outcome::Retry(error.to_string()) } else { Outcome::Dead(error.to_string()) })
    }
}

impl From<forge::Error> for Trouble {
    fn from(error: forge::Error) -> Self {
        Self(match &error {
            forge::Error::RateLimited { until } => {
                let until = until.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
                Outcome::Later { at: i64::try_from(until).unwrap_or(i64::MAX), reason: error.to_string() }
            }
            // An operator mends a credential; somebody else's push is looked at anew.
            forge::Error::Denied { .. } | forge::Error::NotFound { .. } | forge::Error::Moved { .. } => {
                Outcome::Retry(error.to_string())
            }
            error if error.is_transient() => Outcome::Retry(error.to_string()),
            _ => Outcome::Dead(error.to_string()),
        })
    }
}

/// The mail address under which GitHub shows commits of an account.
fn mail(login: &str) -> String {
    format!("{login}@users.noreply.github.com")
}

/// Where a repository is cloned from, given the API's address: `https://api.github.com`, or `https://HOST/api/v3`.
fn clone_address(api: &str, slug: &RepoSlug) -> String {
    let host = match api.strip_suffix("/api/v3") {
        Some(host) => host,
        None if api == "https://api.github.com" => "https://github.com",
        None => api,
    };
    format!("{host}/{slug}.git")
}

fn name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Proposed(_) => "proposed",
        Outcome::Refused(_) => "refused",
        Outcome::Resolved(_) => "resolved",
        Outcome::Retry(_) | Outcome::Crashed(_) => "retry",
        Outcome::Later { .. } => "later",
        Outcome::Dead(_) => "dead",
    }
}
