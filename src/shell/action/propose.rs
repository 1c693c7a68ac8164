//! Pull requests for a run's findings, by the job of the server: a store for as long as the step runs, and workers on it.
//!
//! What a person decided stands on the forge, so that it counts in the next run as well: a pull request that was closed
//! unmerged stays closed until the value changes, and one with a person's commit is left alone.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};

use crate::{
    model::{
        finding::Finding,
        fingerprint::Fingerprint,
        repository::{BranchName, RepoSlug},
        secret::Secret,
    },
    remedy::{confidential, onboarding::Onboarding, report::Proposed, rule::set::Rules},
    shell::{
        charts::Charts,
        clock,
        config::{Config, GitHub, Identity, Repository, live},
        store::{
            Options, Store,
            accept::{Arrival, Delivery},
            case::{Case, State},
            read::Filter,
        },
        worker::{Clock, Settings, Workers, remediate::Remediation},
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

/// Brings about the pull requests of findings; what became of each, by its fingerprint.
///
/// # Errors
/// Where the step cannot begin at all. What fails for one finding is its outcome.
pub fn propose(
    propose: &Propose,
    (charts, rules): (Charts, Rules),
    findings: &[Finding],
) -> anyhow::Result<BTreeMap<Fingerprint, Outcome>> {
    let folder = tempfile::tempdir().context("there is no temporary folder")?;
    let runtime = tokio::runtime::Runtime::new().context("the runtime cannot start")?;
    runtime.block_on(async {
        let config = config(propose, folder.path().join("data"));
        let job = Remediation { charts, ..Remediation::from_config(&config, rules)? }.job();
        let clock: Clock = Arc::new(clock::unix_millis);
        let store = Store::open(&config.data, Options { limit: None }, clock::unix_millis())?;
        let arrival =
            |finding: &Finding| Arrival::new(finding.clone(), Ok(propose.slug.clone()), confidential::withheld);
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
    })
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
        github: Some(GitHub {
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
