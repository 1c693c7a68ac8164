//! The job: from a claim's cases to pull requests.
//!
//! A repository is fetched once, all its cases are judged against that one commit, and all their branches are pushed
//! together. Every step looks before it acts, so that a job which was cut off anywhere is simply done again.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::Context;
use tokio::runtime::Handle;

use super::{Job, Lease};
use crate::{
    model::{
        finding::{self, Finding},
        refusal::{Code, Refusal},
        repository::{BranchName, CommitId, RepoSlug},
        secret::Secret,
    },
    remedy::{
        Verdict, confidential, judge,
        lifecycle::{self, Hold, Observed, Step, Text},
        policy::{self, Policy},
        proof::Proved,
        pull_request::{Circumstances, PullRequest, marker::Digest, pull_request, title, trailers},
        rule::set::Rules,
    },
    shell::{
        charts::Charts,
        config::{Config, Identity},
        forge::{
            self, Credential, GitHub,
            call::Limits,
            commit::Changes,
            pull_request::{self as forged, Proposal, State},
        },
        git::{self, commit::Author, mirror::Mirror, push::Update, remote::RemoteAddress},
        live::{Live, Seen},
        store::{
            accept::Arrival,
            case::{self, Case},
            lease::{Claim, Outcome, Transition},
        },
    },
    stack::{catalog::Catalog, owner},
};

/// How long a conversation with a remote may take.
const CONVERSATION: Duration = Duration::from_secs(120);

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
    /// Charts that are in no repository.
    pub charts: Charts,
    /// Where live state is read.
    pub live: Live,
    /// What answers violations, and what is never adopted.
    pub rules: Rules,
    /// When this process began. It has the data folder for itself: what is half-written in a mirror and older was left
    /// by one that was killed.
    pub began: SystemTime,
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
#[derive(Clone)]
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
            charts: Charts::default(),
            live: Live::default(),
            rules: Rules::embedded()?,
            began: SystemTime::now(),
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
        mirror.remove_leftovers_before(self.began)?;
        let fetched = mirror.fetch(&branches, token.as_ref()).inspect_err(|error| {
            if let (git::Error::Denied { .. }, Some(token)) = (error, &token) {
                self.runtime.block_on(self.github.forget_token(slug, token));
            }
        })?;
        let base = fetched.branches.get(&target.branch).ok_or_else(|| {
            Trouble(Outcome::Retry(format!("{slug} has no branch {}: mend the server's configuration", target.branch)))
        })?;
        let files = mirror.tree(base)?;
        let tree = self.charts.beside(&files);
        let addresses = [target.remote.to_string()];
        let catalog = Catalog::known_as(&tree, &addresses).map_err(|refusal| Trouble(Outcome::Refused(refusal)))?;

        let mut outcomes: Vec<Option<Outcome>> = Vec::new();
        let mut wanted = Vec::new();
        let detected = claim.cases.iter().filter(|case| policy::is_detector(&case.sender));
        let suspicions: Vec<Finding> = detected.map(|case| case.finding.clone()).collect();
        let policy = Policy { rules: &self.rules, suspicions: &suspicions };
        for case in &claim.cases {
            if case.finding.state == finding::State::Resolved {
                outcomes.push(Some(Outcome::Resolved("reported as over".to_owned())));
                continue;
            }
            let finding = match self.seen(&catalog, slug, &case.finding) {
                Ok(finding) => finding,
                Err(Trouble(outcome)) => {
                    outcomes.push(Some(outcome));
                    continue;
                }
            };
            match judge(&catalog, &finding, policy) {
                Verdict::InSync => outcomes.push(Some(Outcome::Resolved("the source already says so".to_owned()))),
                Verdict::Refused(refusal) => outcomes.push(Some(Outcome::Refused(refusal))),
                Verdict::Patched(proved) => {
                    let branch = title::branch(&case.finding.resource, &case.fingerprint);
                    match self.wanted(slug, (case, &finding), &proved, fetched.branches.get(&branch).cloned()) {
                        Ok(one) => {
                            wanted.push(one);
                            outcomes.push(None);
                        }
                        Err(Trouble(outcome)) => outcomes.push(Some(outcome)),
                    }
                }
            }
        }
        let moved = match self.commits {
            Commits::Api => wanted.iter().map(|one| self.commit_by_api(slug, base, lease, one)).collect(),
            Commits::Push => self.push_all(&mirror, base, lease, &wanted, token.as_ref())?,
        };
        let propose = |(one, moved): (&Wanted<'_>, Result<(), Trouble>)| {
            moved.and_then(|()| self.propose(slug, target, lease, one))
        };
        let mut done = wanted.iter().zip(moved).map(propose);
        let settled = outcomes.into_iter().map(|outcome| match outcome {
            Some(outcome) => outcome,
            None => match done.next() {
                Some(Ok(outcome) | Err(Trouble(outcome))) => outcome,
                None => Outcome::Retry("the case was not worked on".to_owned()),
            },
        });
        Ok(settled.collect())
    }

    /// The finding with what can be read of the live state, or what becomes of the case without judging it.
    fn seen<'f>(
        &self,
        catalog: &Catalog<'_>,
        slug: &RepoSlug,
        finding: &'f Finding,
    ) -> Result<Cow<'f, Finding>, Trouble> {
        if self.live.is_empty() {
            return Ok(Cow::Borrowed(finding));
        }
        let owned = owner::find(catalog, finding.stack.as_deref(), &finding.resource).ok();
        let cluster = owned.and_then(|owned| catalog.stack(owned.stack).cluster.clone());
        let seen = self.runtime.block_on(self.live.see(finding, cluster.as_deref()));
        match seen.map_err(|error| Trouble(Outcome::Retry(format!("the live state cannot be read: {error:#}"))))? {
            Seen::AsReported => Ok(Cow::Borrowed(finding)),
            Seen::Completed(completed) => Ok(Cow::Owned(*completed)),
            Seen::Over(note) => Err(Trouble(Outcome::Resolved(note))),
            Seen::Refused(refusal) => Err(Trouble(Outcome::Refused(refusal))),
            Seen::Several(findings) => {
                let note = format!("{} resources differ: each is a case of its own", findings.len());
                let arrival = |one: &Finding| {
                    Arrival::new(one, Ok(slug.clone()), |finding| confidential::withheld(finding.clone()))
                };
                Err(Trouble(Outcome::Split { note, arrivals: findings.iter().map(arrival).collect() }))
            }
        }
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
        (case, finding): (&'c Case, &Finding),
        proved: &Proved,
        head: Option<CommitId>,
    ) -> Result<Wanted<'c>, Trouble> {
        let branch = title::branch(&case.finding.resource, &case.fingerprint);
        let observed = self.runtime.block_on(self.github.find_pull_request(slug, &branch))?;
        let seen = match &observed {
            None => Observed::Nothing,
            Some(found) => {
                let text = Text { title: found.title.clone(), body: found.body.clone() };
                match found.state {
                    State::Open => Observed::Open { text, commits: self.authors(slug, case, found.number)? },
                    State::Closed => Observed::Closed(text),
                    State::Merged => Observed::Merged(text),
                }
            }
        };
        let earlier = lifecycle::earlier(&seen);
        let around =
            Circumstances { sender: Some(&case.sender), earlier: earlier.as_ref(), ..Circumstances::default() };
        let request = pull_request(finding, proved, &case.fingerprint, around);
        let mut steps = lifecycle::steps(&seen, &request);
        // A branch that stayed where it was merged holds nothing that could be lost.
        let merged = |head: &CommitId| {
            observed.as_ref().is_some_and(|found| found.state == State::Merged && found.head.1 == *head)
        };
        if let (true, Some(head)) = (steps.contains(&Step::Open), &head)
            && !merged(head)
            && !self.is_ours(slug, case, head)?
        {
            if observed.is_none() {
                let what = format!("the branch {branch} holds somebody else's commit");
                return Err(Trouble(Outcome::Dead(format!("{what}: remove it, then have the case tried again"))));
            }
            steps = vec![Step::LeaveToHuman(Hold::ForeignCommit)];
        }
        let files = proved.files().iter();
        let changes = files.map(|(path, file)| (path.clone(), Some(file.after.as_bytes().into()))).collect();
        Ok(Wanted { case, request, changes, head, observed, steps })
    }

    /// Who wrote the commits of an open pull request, and what the last one changes.
    fn authors(&self, slug: &RepoSlug, case: &Case, number: u64) -> Result<lifecycle::Commits, Trouble> {
        let commits = self.runtime.block_on(self.github.commits_of_pull_request(slug, number))?;
        let login = self.login()?;
        let mut last = None;
        for commit in &commits {
            let Some(change) = change_of_ours(commit, case, &login) else { return Ok(lifecycle::Commits::Foreign) };
            last = Some(change);
        }
        Ok(lifecycle::Commits::Ours(last))
    }

    /// Tells whether the head of a branch without an open pull request is a commit of ours, left by a push that was cut off
    /// or by an earlier pull request; any other is somebody's own and not touched.
    fn is_ours(&self, slug: &RepoSlug, case: &Case, head: &CommitId) -> Result<bool, Trouble> {
        let commit = self.runtime.block_on(self.github.commit_info(slug, head))?;
        Ok(change_of_ours(&commit, case, &self.login()?).is_some())
    }

    fn login(&self) -> Result<String, Trouble> {
        Ok(self.runtime.block_on(self.github.login())?.to_owned())
    }

    /// Moves the branch of a case by the forge's API, if a step wants it moved.
    fn commit_by_api(&self, slug: &RepoSlug, base: &CommitId, lease: &Lease, one: &Wanted<'_>) -> Result<(), Trouble> {
        if !one.moves() {
            return Ok(());
        }
        check(lease)?;
        let (branch, message) = (&one.request.branch, &one.request.commit_message);
        let made = self.github.ensure_commit(slug, branch, one.head.as_ref(), base, &one.changes, message);
        self.runtime.block_on(made)?;
        Ok(())
    }

    /// Pushes every branch that a step wants moved, each from where it was seen: all at once, and where that fails for one
    /// of them, each by itself, so that it stops no other.
    fn push_all(
        &self,
        mirror: &Mirror,
        base: &CommitId,
        lease: &Lease,
        wanted: &[Wanted<'_>],
        token: Option<&Secret>,
    ) -> Result<Vec<Result<(), Trouble>>, Trouble> {
        if !wanted.iter().any(Wanted::moves) {
            return Ok(wanted.iter().map(|_| Ok(())).collect());
        }
        let login = self.login()?;
        let author = |case: &Case| {
            // The time of the case, not of this try: the same edit on the same base is the same commit.
            Author { name: login.clone(), mail: mail(&login), time: case.created_at / 1_000 }
        };
        let update = |one: &Wanted<'_>| {
            let commit = mirror.commit(base, &one.changes, &one.request.commit_message, &author(one.case))?;
            Ok(Update { branch: one.request.branch.clone(), commit, expected: one.head.clone() })
        };
        let updates: Vec<Result<Option<Update>, Trouble>> =
            wanted.iter().map(|one| one.moves().then(|| update(one)).transpose()).collect();
        let all: Vec<Update> = updates.iter().flatten().flatten().cloned().collect();
        check(lease)?;
        let together = mirror.push(&all, token).map(drop);
        let one_is_in_the_way = matches!(&together, Err(git::Error::Moved { .. } | git::Error::Rejected { .. }));
        let together = together.map_err(Trouble::from);
        let alone = |update: Update| {
            check(lease)?;
            Ok(mirror.push(&[update], token).map(drop)?)
        };
        let settled = updates.into_iter().map(|update| match update? {
            None => Ok(()),
            Some(update) if one_is_in_the_way && all.len() > 1 => alone(update),
            Some(_) => together.clone(),
        });
        Ok(settled.collect())
    }

    fn propose(&self, slug: &RepoSlug, target: &Target, lease: &Lease, one: &Wanted<'_>) -> Result<Outcome, Trouble> {
        let mut shown = one.observed.clone();
        for step in &one.steps {
            check(lease)?;
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
        let Some(shown) = shown else {
            return Err(Trouble(Outcome::Retry("the pull request is not there".to_owned())));
        };
        let left = one.steps.iter().any(|step| matches!(step, Step::LeaveToHuman(_)));
        if one.case.pull_request.is_none() && shown.state == State::Open && !left {
            // An earlier try may have been cut off after opening it.
            self.runtime.block_on(self.github.label(slug, &shown, &[LABEL]))?;
        }
        Ok(Outcome::Proposed(case::PullRequest { number: shown.number, url: shown.url }))
    }
}

impl Wanted<'_> {
    fn moves(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Open | Step::UpdateBranch))
    }
}

// Only what a remote or its API decided, and would decide again, is given up at once. Everything else is tried again, and
// given up with its reason when it does not pass: an operator may be about to mend a credential, a disk or a mirror.

impl From<git::Error> for Trouble {
    fn from(error: git::Error) -> Self {
        Self(match &error {
            git::Error::Rejected { .. } | git::Error::Path(..) => Outcome::Dead(error.to_string()),
            _ => Outcome::Retry(error.to_string()),
        })
    }
}

impl From<forge::Error> for Trouble {
    fn from(error: forge::Error) -> Self {
        Self(match &error {
            forge::Error::RateLimited { until } => {
                let until = until.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
                Outcome::Later { at: i64::try_from(until).unwrap_or(i64::MAX), reason: error.to_string() }
            }
            forge::Error::Rejected { .. } | forge::Error::Path(..) => Outcome::Dead(error.to_string()),
            _ => Outcome::Retry(error.to_string()),
        })
    }
}

/// Nothing that others see is done without the lease.
fn check(lease: &Lease) -> Result<(), Trouble> {
    if lease.held() { Ok(()) } else { Err(Trouble(Outcome::Retry("the lease was taken away".to_owned()))) }
}

/// The digest of a commit's change if the commit is ours: our account wrote it, and its message names the case, as only our
/// commits do.
fn change_of_ours(commit: &forge::commit::Commit, case: &Case, login: &str) -> Option<Digest> {
    let by_us = commit.author.login.as_deref() == Some(login) || commit.author.mail == mail(login);
    trailers(&commit.message).filter(|(named, _)| by_us && *named == case.fingerprint).map(|(_, change)| change)
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
        Outcome::Split { .. } => "split",
        Outcome::Retry(_) | Outcome::Crashed(_) => "retry",
        Outcome::Later { .. } => "later",
        Outcome::Dead(_) => "dead",
    }
}
