//! The job: from a claim's cases to pull requests.
//!
//! A repository is fetched once, all its cases are judged against that one commit, and all their branches are pushed
//! together. Every step looks before it acts, so that a job which was cut off anywhere is simply done again.

mod asked;
mod board;
mod bundle;
mod onboarding;
mod ours;
mod propose;
mod seen;
pub mod stale;
mod suspicion;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, mpsc},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, bail};
use tokio::runtime::Handle;

use self::{asked::Orders, bundle::Fate, suspicion::Suspicions};
use super::{Job, Lease};
use crate::{
    model::{
        finding,
        fingerprint::Fingerprint,
        refusal::{Code, Refusal},
        repository::{BranchName, CommitId, RepoSlug},
        secret::Secret,
    },
    remedy::{
        Verdict,
        lifecycle::{
            ending::Ending,
            storm::{Cause, storms},
        },
        manner::Manner,
        onboarding::{Onboarding, Recorded},
        policy::{self, Policy},
        pull_request::{
            change_digest,
            marker::{Digest, Tag},
            title, trailers,
        },
        rule::set::Rules,
        verdict,
    },
    shell::{
        charts::Charts,
        clock,
        config::{self, Config, Identity},
        forge::{self, Credential, GitHub, address::web_address, budget::Budget, call::Limits},
        git::{self, mirror::Mirror, remote::RemoteAddress},
        live::{Live, states::States},
        store::{
            case::{Case, Decided, Decision},
            lease::{Claim, Conclusion, Dashboard, LOOK_AGAIN, Outcome, Transition},
            suspicion::Suspected,
        },
    },
    source::tree::SourceTree,
    stack::{
        catalog::{self, Catalog},
        config::pull_requests::PullRequests,
    },
};

/// How long a conversation with a remote may take.
const CONVERSATION: Duration = Duration::from_secs(120);

/// How many commits tell how titles are worded here.
const SUBJECTS: usize = 20;

/// How long the dashboard waits for more news before it is written, in milliseconds.
const BOARD_AFTER: i64 = 1_000;

/// How long the dashboard waits after a failure, in milliseconds: a repository without cases has no other clock.
const BOARD_AGAIN: i64 = 5_000;

/// How long cases are held of which many came at once, in milliseconds.
const HELD_FOR: i64 = 24 * 60 * 60 * 1000;

/// Everything that the job needs.
pub struct Remediation {
    /// The folder of the store.
    pub data: PathBuf,
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
    /// How pull requests are made where a repository does not say.
    pub operator: PullRequests,
    /// Whether repositories are asked before anything is proposed there.
    pub onboarding: Onboarding,
    /// How many pull requests are opened in an hour in all repositories of an owner; absent for our default.
    pub hourly_of_all: Option<usize>,
    /// What answers violations, and what is never adopted.
    pub rules: Rules,
    /// The report that all findings come from, where they are remembered only by their pull requests.
    pub scope: Option<Tag>,
    /// Who is told what is done to which pull request.
    pub listener: Option<mpsc::Sender<(u64, Operation)>>,
    /// When this process began. It has the data folder for itself: what is half-written in a mirror and older was left
    /// by one that was killed.
    pub began: SystemTime,
}

/// A repository that is looked after.
#[derive(Debug)]
pub struct Target {
    /// Where it is fetched from and pushed to.
    pub remote: RemoteAddress,
    /// The branch that is deployed.
    pub branch: BranchName,
    /// The states of what it deploys.
    pub states: States,
}

/// What was done to a pull request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// It was opened.
    Created,
    /// Its branch, its text or both were changed, or it was opened again.
    Updated,
    /// It was closed.
    Closed,
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

/// The work on one claim, with what stands all the while.
struct Visit<'v> {
    job: &'v Remediation,
    claim: &'v Claim,
    lease: &'v Lease,
    target: &'v Target,
    /// The repository's present name on the forge.
    slug: RepoSlug,
    mirror: Mirror,
    token: Option<Secret>,
    /// The head of the deployed branch.
    base: CommitId,
    manner: Manner,
    /// What becomes of a case where the live state decides that.
    told: Vec<Option<Outcome>>,
    /// What detectors have reported of what the claim is about.
    suspicions: Suspicions,
    addresses: [String; 1],
    /// Unix milliseconds.
    now: i64,
}

impl Remediation {
    /// What the operator's configuration describes. To be called within a tokio runtime.
    ///
    /// # Errors
    /// Where a remote's address or the way to GitHub is not acceptable, in words for the operator.
    pub fn from_config(config: &Config, rules: Rules) -> anyhow::Result<Self> {
        let github =
            config.github.as_ref().context("the configuration has no github section, so nothing can be proposed")?;
        let credential = match &github.identity {
            Identity::Token(token) => Credential::Token(token.clone()),
            Identity::App { id, private_key } => Credential::App { id: *id, key: private_key.clone() },
            Identity::Setup(_) => bail!("no App is registered yet, so nothing can be proposed"),
        };
        let commits = if matches!(credential, Credential::App { .. }) { Commits::Api } else { Commits::Push };
        let mut targets = BTreeMap::new();
        for repository in &config.repositories {
            let address = repository.remote.clone();
            let address = address.unwrap_or_else(|| format!("{}/{}.git", web_address(&github.api), repository.slug));
            let remote = address.parse().with_context(|| format!("the remote of {}", repository.slug))?;
            let states = States::of(&repository.states);
            targets.insert(repository.slug.clone(), Target { remote, branch: repository.branch.clone(), states });
        }
        Ok(Self {
            data: config.data.clone(),
            mirrors: config.data.join("mirrors"),
            targets,
            github: GitHub::new(
                &github.api,
                &credential,
                Limits { budget: budget(github.budget), ..Limits::default() },
            )?,
            commits,
            runtime: Handle::current(),
            charts: Charts::default(),
            live: Live::default(),
            operator: config.pull_requests.clone(),
            onboarding: github.onboarding,
            hourly_of_all: config.hourly_of_all,
            rules,
            scope: None,
            listener: None,
            began: SystemTime::now(),
        })
    }

    /// The job that the workers run.
    pub fn job(self) -> Job {
        Arc::new(move |claim, lease| self.work(claim, lease))
    }

    fn work(&self, claim: &Claim, lease: &Lease) -> Conclusion {
        let mut said = Conclusion::default();
        if let Err(Trouble(outcome)) = self.visit(claim, lease, &mut said) {
            tracing::warn!(outcome = name(&outcome), repository = %claim.repository, "nothing can be done here now");
            // What was settled before the trouble is settled.
            let open = claim.cases.iter().filter(|case| !said.transitions.iter().any(|one| one.case == case.id));
            let outcomes: Vec<Transition> =
                open.map(|case| Transition { case: case.id, outcome: outcome.clone() }).collect();
            said.transitions.extend(outcomes);
            let at = match outcome {
                Outcome::Later { at, .. } => at,
                _ => clock::unix_millis() + BOARD_AGAIN,
            };
            if claim.overview.as_ref().is_some_and(|overview| overview.is_due) {
                said.dashboard = Dashboard::NotBefore(at);
            }
        }
        for Transition { case, outcome } in &said.transitions {
            tracing::info!(case = case.0, outcome = name(outcome), "case was worked on");
        }
        said
    }

    fn visit(&self, claim: &Claim, lease: &Lease, said: &mut Conclusion) -> Result<(), Trouble> {
        let target = self.targets.get(&claim.repository).ok_or_else(|| {
            let hint = "add the repository to the server's configuration, then have the case tried again";
            let message = format!("this server does not look after {}", claim.repository);
            Trouble(Outcome::Refused(Refusal::new(Code::RepositoryUnknown, message, hint)))
        })?;
        let now = clock::unix_millis();
        let slug = self.present(claim, said, now)?;
        let token = self.token(&slug, target)?;
        let folder = self.mirrors.join(claim.repository.owner()).join(format!("{}.git", claim.repository.name()));
        let mirror = Mirror::open(&folder, target.remote.clone(), CONVERSATION)?;
        mirror.remove_leftovers_before(self.began)?;
        let mut wanted = vec![target.branch.clone()];
        wanted.extend(claim.cases.iter().map(|case| known_branch(case).0));
        let mut branches = self.fetch(&slug, &mirror, &wanted, token.as_ref())?;
        let base = branches.remove(&target.branch).ok_or_else(|| {
            Trouble(Outcome::Retry(format!("{slug} has no branch {}: mend the server's configuration", target.branch)))
        })?;
        let files = mirror.tree(&base)?;
        let tree = self.charts.beside(&files);
        // A configuration that cannot be read refuses every case with its line; until then what stands is kept as it is.
        let written = catalog::configuration(&tree).ok().flatten().and_then(|config| config.pull_requests);
        let subjects = mirror.subjects(&base, SUBJECTS)?;
        let manner = Manner::of(&written.unwrap_or_default(), &self.operator, self.hourly_of_all, &subjects);
        let addresses = [target.remote.to_string()];
        let catalog = Catalog::known_as(&tree, &addresses);
        let (claim, told) = self.seen(claim, &target.states, &catalog);
        // What a case turns out to be about may give its branch another name.
        let unknown = claim.cases.iter().map(|case| known_branch(case).0).filter(|branch| !wanted.contains(branch));
        let unknown: Vec<BranchName> = unknown.collect();
        if !unknown.is_empty() {
            branches.extend(self.fetch(&slug, &mirror, &unknown, token.as_ref())?);
        }
        let suspicions = self.suspicions(&claim)?;
        let visit = Visit {
            job: self,
            claim: claim.as_ref(),
            lease,
            target,
            slug,
            mirror,
            token,
            base,
            manner,
            told,
            suspicions,
            addresses,
            now,
        };
        visit.work(&tree, &catalog, branches, said)
    }

    /// The repository's present name, if the forge still has it under the number that it had.
    fn present(&self, claim: &Claim, said: &mut Conclusion, now: i64) -> Result<RepoSlug, Trouble> {
        let named = claim.forge.named.as_ref().unwrap_or(&claim.repository);
        let found = match self.runtime.block_on(self.github.repository(named)) {
            Err(forge::Error::Rejected { status: 301 | 302 | 307 | 308, .. }) if claim.forge.id.is_some() => {
                let id = claim.forge.id.unwrap_or_default();
                self.runtime.block_on(self.github.repository_of_id(named, id))?
            }
            found => found?,
        };
        if claim.forge.id.is_some_and(|id| id != found.id) {
            let why = format!("another repository has the name {named} now: its cases are not ours to act on");
            said.away = Some(why.clone());
            return Err(Trouble(Outcome::Later { at: now + HELD_FOR, reason: why }));
        }
        said.learned.id = Some(found.id);
        if found.slug != *named {
            said.learned.named = Some(found.slug.clone());
        }
        if found.archived {
            return Err(Trouble(Outcome::Later {
                at: now + HELD_FOR,
                reason: "the repository is archived".to_owned(),
            }));
        }
        Ok(found.slug)
    }

    fn fetch(
        &self,
        slug: &RepoSlug,
        mirror: &Mirror,
        branches: &[BranchName],
        token: Option<&Secret>,
    ) -> Result<BTreeMap<BranchName, CommitId>, Trouble> {
        let fetched = mirror.fetch(branches, token).inspect_err(|error| {
            if let (git::Error::Denied { .. }, Some(token)) = (error, token) {
                self.runtime.block_on(self.github.forget_token(slug, token));
            }
        })?;
        Ok(fetched.branches)
    }

    /// A token for git, where the remote is spoken to by HTTP.
    fn token(&self, slug: &RepoSlug, target: &Target) -> Result<Option<Secret>, Trouble> {
        if !target.remote.takes_credentials() {
            return Ok(None);
        }
        Ok(Some(self.runtime.block_on(self.github.token(slug))?))
    }
}

impl Visit<'_> {
    fn work(
        &self,
        tree: &dyn SourceTree,
        catalog: &Result<Catalog<'_>, Refusal>,
        mut branches: BTreeMap<BranchName, CommitId>,
        said: &mut Conclusion,
    ) -> Result<(), Trouble> {
        let mut orders = self.hear(said)?;
        said.decisions = orders.decided(&self.claim.cases);
        self.suspect(said);
        let recorded = self.introduce(catalog, said)?;
        let fates = self.judge_all(catalog, &orders, recorded, said);
        let bundles = self.bundles(tree, fates, &orders, said);
        let missing: Vec<BranchName> = bundles
            .iter()
            .filter(|bundle| !branches.contains_key(&bundle.branch))
            .filter(|bundle| !self.claim.cases.iter().any(|case| known_branch(case).0 == bundle.branch))
            .map(|bundle| bundle.branch.clone())
            .collect();
        if !missing.is_empty() {
            branches.extend(self.job.fetch(&self.slug, &self.mirror, &missing, self.token.as_ref())?);
        }
        self.bring_about(bundles, &branches, &mut orders, said)?;
        self.answer(catalog, &orders, said)?;
        if recorded.is_some() && self.claim.standing.open == 0 {
            if said.dashboard == Dashboard::AsItWas {
                said.dashboard = Dashboard::Written;
            }
            return Ok(());
        }
        self.write_board(said)?;
        if self.manner.dashboard && (!said.transitions.is_empty() || !said.wakes.is_empty()) {
            said.dashboard = Dashboard::By(self.now + BOARD_AFTER);
        }
        Ok(())
    }

    /// What is to become of each case, in their order.
    fn judge_all(
        &self,
        catalog: &Result<Catalog<'_>, Refusal>,
        orders: &Orders,
        recorded: Option<Recorded>,
        said: &mut Conclusion,
    ) -> Vec<Fate> {
        let decisions: Vec<Option<Decision>> =
            self.claim.cases.iter().map(|case| self.decision(case, orders)).collect();
        // Those that have nothing on the forge yet, and of which nobody has said that they shall.
        let fresh: Vec<bool> = self
            .claim
            .cases
            .iter()
            .zip(&decisions)
            .map(|(case, decision)| {
                case.pull_request.is_none() && decision.is_none() && case.finding.state == finding::State::Open
            })
            .collect();
        let causes: Vec<Cause> = self.claim.cases.iter().map(|case| Cause::of(&case.finding)).collect();
        let raging =
            storms(causes.iter().zip(&fresh).filter(|(_, fresh)| **fresh).map(|(cause, _)| cause), self.manner.storm);
        let mut of_storm: BTreeMap<&Cause, usize> = BTreeMap::new();
        let mut fates = Vec::new();
        for (at, case) in self.claim.cases.iter().enumerate() {
            let decision = decisions[at].as_ref();
            let kind = decision.map(|decision| decision.kind);
            if case.finding.state == finding::State::Resolved {
                fates.push(Fate::End(Ending::Healed, Outcome::Resolved("reported as over".to_owned())));
                continue;
            }
            if let Some(outcome) = &self.told[at] {
                fates.push(match outcome.clone() {
                    Outcome::Refused(refusal) => Fate::Refused(refusal),
                    over @ Outcome::Resolved(_) => Fate::End(Ending::Healed, over),
                    outcome => Fate::Done(outcome),
                });
                continue;
            }
            if let (Some(recorded), None) = (recorded, &case.pull_request) {
                let reason = recorded.as_str().to_owned();
                fates.push(Fate::Done(Outcome::Held { until: self.now + LOOK_AGAIN, reason }));
                continue;
            }
            if let Some(Decision { kind: Decided::Ignore, until, by, .. }) = decision {
                let outcome = Outcome::Ignored { until: *until, reason: format!("ignored by {by}") };
                fates.push(Fate::End(Ending::Ignored, outcome));
                continue;
            }
            if fresh[at] && raging.contains_key(&causes[at]) {
                let taken = of_storm.entry(&causes[at]).or_default();
                *taken += 1;
                if *taken > self.shared_by_cause() {
                    let reason = format!("many at once: {}", causes[at].as_str());
                    fates.push(Fate::Done(Outcome::Held { until: self.now + HELD_FOR, reason }));
                    continue;
                }
            }
            fates.push(match verdict(catalog, &case.finding, self.policy()) {
                // What happened is not undone by a source that never asked for it.
                Verdict::InSync if case.pull_request.is_none() && policy::is_detected(&case.sender, &case.finding) => {
                    Fate::Refused(policy::kept_by_source(&case.finding))
                }
                Verdict::InSync => {
                    let outcome = Outcome::Resolved("the source already says so".to_owned());
                    Fate::End(Ending::FixedOtherwise, outcome)
                }
                Verdict::Refused(refusal) => {
                    let suspicion = self.suspicions.holding(&case.finding.resource);
                    if let (Code::UnderSuspicion, Some(suspicion)) = (refusal.code, suspicion) {
                        said.suspected.push(Suspected::Held(case.id, suspicion));
                    }
                    Fate::Refused(refusal)
                }
                Verdict::Patched(proved) => {
                    let change = change_digest(&proved);
                    let stands = decision.is_some_and(|decision| {
                        decision.kind == Decided::SourceIsRight
                            && decision.change.as_ref().is_none_or(|of| of == change.as_str())
                    });
                    if stands {
                        if let Some(decision) = decision.filter(|decision| decision.change.is_none()) {
                            let change = Some(change.as_str().to_owned());
                            said.decisions.push((case.id, Some(Decision { change, ..decision.clone() })));
                        }
                        Fate::SourceIsRight
                    } else {
                        if kind == Some(Decided::SourceIsRight) {
                            said.decisions.push((case.id, None));
                        }
                        Fate::Propose(proved)
                    }
                }
            });
        }
        fates
    }

    /// What decides besides the repository and a finding.
    fn policy(&self) -> Policy<'_> {
        Policy { rules: &self.job.rules, suspicions: &self.suspicions.findings }
    }

    /// How many findings of a storm are proposed all the same, because they share a pull request.
    fn shared_by_cause(&self) -> usize {
        use crate::{remedy::lifecycle::group::MOST, stack::config::pull_requests::Group};
        match self.manner.group {
            Group::Rule | Group::Cause => MOST,
            Group::Resource | Group::Stack => 0,
        }
    }

    /// What a person decided about a case, just now or before; one whose time is over counts no more.
    fn decision(&self, case: &Case, orders: &Orders) -> Option<Decision> {
        let decision = orders.decision(case).unwrap_or_else(|| case.decision.clone())?;
        decision.until.is_none_or(|until| until > self.now).then_some(decision)
    }
}

/// The branch of a case and what it is named after, as far as can be told without judging it.
fn known_branch(case: &Case) -> (BranchName, Fingerprint) {
    match &case.proposal {
        Some(proposal) => (proposal.branch.clone(), proposal.lead.clone()),
        None => (title::branch(&case.finding.resource, &case.fingerprint), case.fingerprint.clone()),
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
fn change_of_ours(commit: &forge::commit::Commit, lead: &Fingerprint, login: &str) -> Option<Digest> {
    let by_us = commit.author.login.as_deref() == Some(login) || commit.author.mail == mail(login);
    trailers(&commit.message).filter(|(named, _)| by_us && named == lead).map(|(_, change)| change)
}

/// GitHub's published limits, where the operator knows no others.
fn budget(said: config::Budget) -> Budget {
    let known = Budget::default();
    Budget {
        points: said.points_per_minute.unwrap_or(known.points),
        content: said.changes_per_minute.unwrap_or(known.content),
        content_hourly: said.changes_per_hour.unwrap_or(known.content_hourly),
        ..known
    }
}

/// The mail address under which GitHub shows commits of an account.
fn mail(login: &str) -> String {
    format!("{login}@users.noreply.github.com")
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
        Outcome::Held { .. } => "held",
        Outcome::Ignored { .. } => "ignored",
        Outcome::Joins { .. } => "joins",
    }
}
