//! Pull requests for a run's findings, by the job of the server: a store for as long as the step runs, and workers on it.
//!
//! What a person decided stands on the forge, so that it counts in the next run as well: a pull request that was closed
//! unmerged stays closed until the value changes, and one with a person's commit is left alone. What earlier runs opened is
//! closed where a complete report says that it is over.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, mpsc},
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use crate::{
    model::{
        finding::{self, Finding},
        fingerprint::Fingerprint,
        repository::{BranchName, CommitId, RepoSlug},
        secret::Secret,
    },
    remedy::{
        Verdict, confidential,
        lifecycle::{
            ending::Ending,
            report::{self, Found, Report},
        },
        onboarding::Onboarding,
        pull_request::marker::Tag,
        report::{Answered, Proposed},
        rule::set::Rules,
    },
    shell::{
        charts::Charts,
        clock,
        config::{self, Config, Identity, Repository, live},
        forge::{self, GitHub},
        store::{
            Options, Store,
            accept::{Arrival, Delivery},
            case::{Case, State},
            read::Filter,
        },
        worker::{
            Clock, Job, Settings, Workers,
            remediate::{
                Commits, Operation, Remediation,
                stale::{Looked, Said, close_stale},
            },
        },
    },
    stack::config::pull_requests::PullRequests,
};

/// How long a lease of the step's own store holds; nobody else wants it.
const LEASE: Duration = Duration::from_secs(600);

/// How pull requests are made.
#[derive(Clone, Debug)]
pub struct Propose {
    /// The repository.
    pub slug: RepoSlug,
    /// The branch that pull requests go to.
    pub base: BranchName,
    /// The base URL of the forge's API.
    pub api: String,
    /// Where it is fetched from and pushed to.
    pub remote: String,
    /// The token.
    pub token: Secret,
    /// Who reported the findings.
    pub sender: String,
    /// What the inputs say of their manner.
    pub manner: PullRequests,
    /// Whether commits are made by the forge's API, which signs those of an App, or pushed.
    pub sign_commits: bool,
    /// Which report the findings are; absent where that cannot be told.
    pub scope: Option<Tag>,
    /// Whether pull requests that the report says to be over are closed.
    pub close_stale: bool,
    /// How long the step waits for the forge.
    pub patience: Duration,
}

/// What became of a finding on the forge.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It has a pull request, or had one that people closed or took over.
    Proposed(Proposed),
    /// Nothing was done for this reason: it is settled, refused on the base branch, or waits for room.
    Nothing(String),
    /// It could not be done in this run.
    Failed(String),
}

/// A pull request as it stands when all is done.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Its number.
    pub number: u64,
    /// Its page.
    pub url: String,
    /// What this run did to it.
    pub operation: Option<Operation>,
    /// Its branch, and where that is.
    pub head: (String, CommitId),
    /// Tells whether it is open.
    pub is_open: bool,
    /// Tells whether the forge vouches for the signature of each of its commits.
    pub verified: bool,
}

/// What a report says that is known to be complete; there is none where nothing is to be closed.
#[derive(Clone, Debug)]
pub struct Complete<'c> {
    /// What it looked at.
    pub looked_at: BTreeSet<Tag>,
    /// When it was made.
    pub at: SystemTime,
    /// The commit that is checked out.
    pub of: &'c CommitId,
    /// How our branches begin.
    pub prefix: String,
}

/// What a run came to on the forge.
#[derive(Debug, Default)]
pub struct Run {
    /// What became of each finding that was to be proposed.
    pub outcomes: BTreeMap<Fingerprint, Outcome>,
    /// Their pull requests, in the order of the findings.
    pub shown: Vec<Shown>,
    /// Those that are over.
    pub closed: Vec<(Shown, Ending)>,
    /// What could not be done beside the findings, in words.
    pub failed: Vec<String>,
    /// What else there is to tell.
    pub notes: Vec<String>,
}

/// Brings about the pull requests of what was answered, and ends those that are over.
///
/// # Errors
/// Where the step cannot begin at all. What fails for one finding is its outcome.
pub fn propose(
    propose: &Propose,
    beside: (Charts, Rules),
    answers: &[Answered],
    complete: Option<Complete<'_>>,
) -> anyhow::Result<Run> {
    let worth = |answer: &&Answered| matches!(answer.verdict, Verdict::Patched(_));
    let findings: Vec<Finding> = answers.iter().filter(worth).map(|answer| answer.finding.clone()).collect();
    if findings.is_empty() && complete.is_none() {
        return Ok(Run::default());
    }
    let folder = tempfile::tempdir().context("there is no temporary folder")?;
    let runtime = tokio::runtime::Runtime::new().context("the runtime cannot start")?;
    runtime.block_on(async {
        let config = config(propose, folder.path().join("data"));
        let (listener, did) = mpsc::channel();
        let commits = if propose.sign_commits { Commits::Api } else { Commits::Push };
        let remediation = Remediation::from_config(&config, beside.1)?;
        let (scope, charts) = (propose.scope.clone(), beside.0);
        let remediation = Remediation { charts, commits, scope, listener: Some(listener), ..remediation };
        let github = remediation.github.clone();
        let mut run = Run::default();
        if !findings.is_empty() {
            run.outcomes = work(propose, &config, remediation.job(), &findings).await?;
        }
        let did: Vec<(u64, Operation)> = did.try_iter().collect();
        look(&github, &propose.slug, &findings, &did, &mut run).await;
        if let Some(complete) = complete {
            end(&github, propose, answers, complete, &mut run).await;
        }
        Ok(run)
    })
}

/// Works on findings until none is busy; what became of each.
async fn work(
    propose: &Propose,
    config: &Config,
    job: Job,
    findings: &[Finding],
) -> anyhow::Result<BTreeMap<Fingerprint, Outcome>> {
    let clock: Clock = Arc::new(clock::unix_millis);
    let store = Store::open(&config.data, Options { limit: None }, clock::unix_millis())?;
    let arrival = |finding: &Finding| Arrival::new(finding.clone(), Ok(propose.slug.clone()), confidential::withheld);
    let delivery = Delivery {
        sender: propose.sender.clone(),
        id: "action".to_owned(),
        digest: [0; 32],
        received_at: clock::unix_millis(),
    };
    store.accept(delivery, findings.iter().map(arrival).collect()).answer().await?;
    let settings = Settings { count: 1, lease: LEASE, grace: propose.patience, ..Settings::default() };
    let workers = Workers::start(&store, settings, &job, &Arc::default(), &clock);
    let until = Instant::now() + propose.patience;
    let cases = loop {
        let all = Filter { state: None, before: None, limit: usize::MAX };
        let cases = store.reader()?.list(all).context("the step's own store cannot be read")?;
        let busy = |case: &Case| matches!(case.state, State::Ready | State::Waiting | State::Working);
        if !cases.iter().any(busy) || Instant::now() > until {
            break cases;
        }
        ensure!(store.broken().is_none(), "the step's own store failed: is the disk full?");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    workers.shutdown().await;
    Ok(cases.into_iter().map(|case| (case.fingerprint.clone(), outcome(&case))).collect())
}

/// Looks at the pull requests of a run as they stand now.
async fn look(github: &GitHub, slug: &RepoSlug, findings: &[Finding], did: &[(u64, Operation)], run: &mut Run) {
    let proposed = |finding: &Finding| match run.outcomes.get(&Fingerprint::of(finding)) {
        Some(Outcome::Proposed(proposed)) => Some(proposed.number),
        _ => None,
    };
    let mut numbers: Vec<u64> = Vec::new();
    for number in findings.iter().filter_map(proposed) {
        if !numbers.contains(&number) {
            numbers.push(number);
        }
    }
    for number in numbers {
        let shown = async {
            let found = github.pull_request(slug, number).await?;
            let commits = github.commits_of_pull_request(slug, number).await?;
            let verified = !commits.is_empty() && commits.iter().all(|commit| commit.verified);
            // What was opened and then changed was opened.
            let of = |wanted: Operation| did.contains(&(number, wanted)).then_some(wanted);
            let operation = of(Operation::Created).or(of(Operation::Updated));
            Ok::<_, forge::Error>(Shown { verified, ..Shown::of(found, operation) })
        };
        match shown.await {
            Ok(shown) => run.shown.push(shown),
            Err(error) => run.failed.push(format!("#{number} stands, but cannot be looked at: {error}")),
        }
    }
}

/// Closes pull requests of earlier runs that are over.
async fn end(github: &GitHub, propose: &Propose, answers: &[Answered], complete: Complete<'_>, run: &mut Run) {
    let failed = run.outcomes.values().any(|outcome| matches!(outcome, Outcome::Failed(_)));
    let Some(scope) = propose.scope.clone().filter(|_| !failed && run.failed.is_empty()) else { return };
    let mut report = Report { scope, looked_at: complete.looked_at, found: BTreeMap::new() };
    for answer in answers.iter().filter(|answer| answer.finding.state == finding::State::Open) {
        let open = |number: u64| run.shown.iter().any(|shown| shown.number == number && shown.is_open);
        let found = match (&answer.verdict, run.outcomes.get(&Fingerprint::of(&answer.finding))) {
            (Verdict::InSync, _) => Found::InSync,
            (_, Some(Outcome::Proposed(proposed))) if open(proposed.number) => Found::ProposedBy(proposed.number),
            _ => Found::Stands,
        };
        let finding = confidential::withheld(answer.finding.clone());
        report.found.entry(report::trouble(&finding)).or_default().push(found);
    }
    let said =
        Said { report: &report, at: complete.at, of: complete.of, base: &propose.base, prefix: &complete.prefix };
    match close_stale(github, &propose.slug, said).await {
        Ok(Looked::Closed(closed)) => {
            let closed = closed.into_iter().map(|(found, ending)| (Shown::of(found, Some(Operation::Closed)), ending));
            run.closed.extend(closed);
        }
        Ok(Looked::OfAnotherCommit) => run.notes.push(format!(
            "Pull requests of earlier runs are left as they are: what is checked out is not the head of {}.",
            propose.base
        )),
        Err(error) => run.failed.push(format!("pull requests that are over cannot be closed: {error}")),
    }
}

/// What was done, in the words of peter-evans/create-pull-request.
pub fn operation_word(operation: Option<Operation>) -> &'static str {
    match operation {
        Some(Operation::Created) => "created",
        Some(Operation::Updated) => "updated",
        Some(Operation::Closed) => "closed",
        None => "none",
    }
}

impl Shown {
    /// As the output `pull-requests` lists it.
    pub fn json(&self) -> Value {
        json!({
            "number": self.number,
            "url": self.url,
            "operation": operation_word(self.operation),
            "branch": self.head.0,
            "head_sha": self.head.1,
            "commits_verified": self.verified,
        })
    }

    /// What names it.
    pub fn proposed(&self) -> Proposed {
        Proposed { number: self.number, url: self.url.clone() }
    }

    fn of(found: forge::pull_request::PullRequest, operation: Option<Operation>) -> Self {
        Self {
            number: found.number,
            url: found.url,
            operation,
            head: found.head,
            is_open: found.state == forge::pull_request::State::Open,
            verified: false,
        }
    }
}

fn outcome(case: &Case) -> Outcome {
    let reason = || {
        let said = case.reason.as_ref();
        let text = said.and_then(|said| said.as_str().or_else(|| said.get("message")?.as_str()));
        text.unwrap_or(case.state.as_str()).to_owned()
    };
    match (&case.pull_request, case.state) {
        (Some(found), State::Proposed) => Outcome::Proposed(Proposed { number: found.number, url: found.url.clone() }),
        (_, State::Ready | State::Waiting | State::Working | State::Dead) => Outcome::Failed(reason()),
        _ => Outcome::Nothing(reason()),
    }
}

/// The configuration that a server for this one repository would have.
fn config(propose: &Propose, data: std::path::PathBuf) -> Config {
    Config {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        metrics: None,
        data,
        data_limit: None,
        webhooks: None,
        senders: BTreeMap::new(),
        repositories: vec![Repository {
            slug: propose.slug.clone(),
            remote: Some(propose.remote.clone()),
            branch: propose.base.clone(),
            states: Vec::new(),
        }],
        github: Some(config::GitHub {
            api: propose.api.clone(),
            identity: Identity::Token(propose.token.clone()),
            webhook_secrets: Vec::new(),
            budget: Default::default(),
            onboarding: Onboarding::Off,
        }),
        live: live::Sources::default(),
        workers: 1,
        lease: LEASE,
        pull_requests: propose.manner.clone(),
        hourly_of_all: None,
    }
}
