//! The webhook receiver.
//!
//! ```text
//! connection ─► head ─► body ─► signature ─► mapping ─► store ─► 202
//! ≤ 1,024       5 s     15 s,   over the     2 s, on    group
//!                       limit   raw bytes    threads    commit
//! ```
//!
//! An answer of 202 means that the findings are on disk. Everything before that is bounded: connections, the time that
//! a head and a body may take, the bytes of all bodies together, the threads and the time of mapping programs, the queue
//! of the store. What exceeds a bound is told so (413, 408, 503 with `Retry-After`), and nobody else notices.

mod body;
mod github;
pub mod keys;
mod mapping;
mod probes;
mod receive;
mod senders;
pub mod setup;
mod sweep;

use std::{
    collections::BTreeMap,
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail};
use axum::{Router, http::Request, response::Response};
use hyper::{
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinHandle,
    time::{sleep, timeout},
};

use self::{
    keys::{Fetch, Keys},
    mapping::Mapping,
    senders::Endpoints,
    setup::Setup,
};
use super::{
    clock,
    config::{Config, Identity, Repository, SenderAccess},
    forge::GitHub,
    store::{Options, Store},
    telemetry::Metrics,
    worker::{Clock, Job, Settings, Workers},
};
use crate::{
    model::{
        finding::Finding,
        refusal::{Code, Refusal},
        repository::RepoSlug,
        secret::Secret,
    },
    remedy::{confidential, onboarding::Onboarding},
    shell,
    webhook::sender::Senders,
};

/// Finds the repository that a finding is about, or says why there is none.
pub type Route = Arc<dyn Fn(&Finding) -> Result<RepoSlug, Refusal> + Send + Sync>;

/// Takes what looks secret out of what is stored and logged.
#[derive(Clone)]
pub struct Redact {
    /// Of a finding; its identity is taken before.
    pub finding: Arc<dyn Fn(Finding) -> Finding + Send + Sync>,
    /// Of a text that may quote a delivery.
    pub text: Arc<dyn Fn(&str) -> String + Send + Sync>,
}

/// The bounds of a receiver.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Open connections on each address; further ones wait in the system's queue.
    pub connections: usize,
    /// Bytes of all bodies that are being read or mapped.
    pub bodies: usize,
    /// Time for a request's head; also how long an idle connection is kept.
    pub head: Duration,
    /// Time for a request's body.
    pub body: Duration,
    /// Time for mapping, from the moment that the body is verified.
    pub mapping: Duration,
    /// Time that the store has beyond that of mapping before the sender is told to come again.
    pub commit: Duration,
    /// The age at which a connection answers what has begun and closes.
    pub connection: Duration,
    /// How long a shutdown waits for requests that have begun.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1_024,
            bodies: 64 << 20,
            head: Duration::from_secs(5),
            body: Duration::from_secs(15),
            mapping: Duration::from_secs(2),
            commit: Duration::from_secs(8),
            connection: Duration::from_secs(300),
            grace: Duration::from_secs(25),
        }
    }
}

/// What a server is made of.
pub struct Parts {
    /// The open store.
    pub store: Store,
    /// The senders that are known.
    pub senders: Senders,
    /// Who of them may post, and how they show who they are.
    pub access: BTreeMap<String, SenderAccess>,
    /// To which repository a finding belongs; see [`by_hint`].
    pub route: Route,
    /// What may be stored of a finding.
    pub redact: Redact,
    /// Where everything is counted.
    pub metrics: Arc<Metrics>,
    /// The time.
    pub clock: Clock,
    /// Fetches the public keys of senders that sign with their own.
    pub fetch: Fetch,
    /// The bounds.
    pub limits: Limits,
    /// What GitHub signs its own events with; none to take no events.
    pub github_secrets: Vec<Secret>,
    /// The page that registers a GitHub App; usually there is none.
    pub setup: Option<Setup>,
    /// Where events that were lost are asked for again; for an App whose events are taken.
    pub deliveries: Option<GitHub>,
    /// Whether repositories are asked before anything is proposed there.
    pub onboarding: Onboarding,
    /// The repositories that are looked after.
    pub repositories: Vec<Repository>,
    /// Who works on what is received; absent to only receive.
    pub work: Option<(Settings, Job)>,
}

/// A receiver that has its addresses and does not answer yet.
pub struct Server {
    listener: TcpListener,
    probes: Option<TcpListener>,
    app: Arc<App>,
    /// Repositories that may have to be introduced to.
    introduced: Vec<RepoSlug>,
    deliveries: Option<GitHub>,
    work: Option<(Settings, Job)>,
}

/// What every request sees.
struct App {
    store: Store,
    endpoints: Endpoints,
    route: Route,
    redact: Redact,
    metrics: Arc<Metrics>,
    clock: Clock,
    keys: Keys,
    limits: Limits,
    mapping: Arc<Mapping>,
    bodies: Arc<Semaphore>,
    github: Option<github::Endpoint>,
    setup: Option<Arc<Setup>>,
    stopping: watch::Sender<bool>,
}

impl Parts {
    /// What the operator's configuration describes: opens the store and reads the senders.
    pub fn from_config(config: &Config, job: Option<Job>) -> anyhow::Result<Self> {
        let clock: Clock = Arc::new(clock::unix_millis);
        let senders = match &config.webhooks {
            Some(folder) => shell::senders::read(folder)?,
            None => Senders::embedded()?,
        };
        let settings = Settings { count: config.workers, lease: config.lease, ..Settings::default() };
        Ok(Self {
            store: Store::open(&config.data, Options { limit: config.data_limit }, clock())?,
            senders,
            access: config.senders.clone(),
            route: by_hint(&config.repositories),
            redact: Redact { finding: Arc::new(confidential::withheld), text: Arc::new(confidential::redacted_text) },
            metrics: Arc::default(),
            clock,
            fetch: keys::over_https()?,
            limits: Limits::default(),
            setup: match config.github.as_ref().map(|github| (&github.identity, &github.api)) {
                Some((Identity::Setup(wanted), api)) => Setup::offer(wanted, api, &config.data)?,
                _ => None,
            },
            github_secrets: config.github.as_ref().map(|github| github.webhook_secrets.clone()).unwrap_or_default(),
            deliveries: None,
            onboarding: config.github.as_ref().map_or(Onboarding::Off, |github| github.onboarding),
            repositories: config.repositories.clone(),
            work: job.map(|job| (settings, job)),
        })
    }
}

impl Server {
    /// Takes the addresses; port 0 takes any free one. Fails if a sender could not be verified.
    pub async fn bind(listen: SocketAddr, probes: Option<SocketAddr>, parts: Parts) -> anyhow::Result<Self> {
        let Parts {
            store, senders, access, route, redact, metrics, clock, fetch, limits, work, setup, deliveries, ..
        } = parts;
        let (secrets, repositories) = (parts.github_secrets, parts.repositories);
        let introduced = match parts.onboarding {
            Onboarding::Off => Vec::new(),
            _ => repositories.iter().map(|one| one.slug.clone()).collect(),
        };
        let endpoints = Endpoints::new(senders, &access)?;
        let take = async |address: SocketAddr| {
            TcpListener::bind(address).await.with_context(|| format!("the address {address} cannot be taken"))
        };
        let probes = match probes {
            Some(address) => Some(take(address).await?),
            None => None,
        };
        let app = App {
            store,
            endpoints,
            route,
            redact,
            metrics,
            clock,
            keys: Keys::new(fetch),
            limits,
            mapping: Mapping::new(limits.mapping, limits.commit)?,
            bodies: Arc::new(Semaphore::new(limits.bodies / body::UNIT)),
            github: (!secrets.is_empty()).then_some(github::Endpoint { secrets, repositories }),
            setup: setup.map(Arc::new),
            stopping: watch::channel(false).0,
        };
        Ok(Self { listener: take(listen).await?, probes, app: Arc::new(app), introduced, deliveries, work })
    }

    /// Where senders post.
    pub fn address(&self) -> anyhow::Result<SocketAddr> {
        Ok(self.listener.local_addr()?)
    }

    /// Where the probes answer.
    pub fn probes_address(&self) -> anyhow::Result<SocketAddr> {
        Ok(self.probes.as_ref().unwrap_or(&self.listener).local_addr()?)
    }

    /// Serves until `shutdown` is there, then finishes or hands back what it holds. An error means that the store failed
    /// and that the process should end.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
        let Self { listener, probes, app, introduced, deliveries, work } = self;
        if work.is_some() && !introduced.is_empty() {
            app.store.introduce(introduced, (app.clock)()).answer().await?;
        }
        let face = |deliveries, probes| Arc::new(Face { app: Arc::clone(&app), deliveries, probes });
        let watched = TowerToHyperService::new(probes::router(Arc::clone(&app)));
        let mut doors = Vec::new();
        match probes {
            Some(probes) => {
                doors.push(Door::open(listener, face(true, None)));
                doors.push(Door::open(probes, face(false, Some(watched))));
            }
            None => doors.push(Door::open(listener, face(true, Some(watched)))),
        }
        let workers = work.map(|(settings, job)| Workers::start(&app.store, settings, &job, &app.metrics, &app.clock));
        let upkeep = tokio::spawn(upkeep(Arc::clone(&app)));
        let sweep = deliveries.map(|github| tokio::spawn(sweep::sweep(Arc::clone(&app), github)));

        let failed = tokio::select! {
            () = shutdown => None,
            reason = app.store.failure() => Some(reason),
        };
        tracing::info!("shutting down");
        app.stopping.send_replace(true);
        upkeep.abort();
        if let Some(sweep) = sweep {
            sweep.abort();
        }
        let closing = async {
            for door in doors {
                door.close(app.limits.grace).await;
            }
        };
        let resting = async {
            if let Some(workers) = workers {
                workers.shutdown().await;
            }
        };
        tokio::join!(closing, resting);
        match failed {
            Some(reason) => bail!("the store failed: {reason}"),
            None => Ok(()),
        }
    }
}

/// Routes by the finding's own hint, or to the only repository there is.
pub fn by_hint(repositories: &[Repository]) -> Route {
    let repositories = repositories.to_vec();
    Arc::new(move |finding| {
        let same = |hint: &str| {
            let tail = hint.trim_end_matches('/').trim_end_matches(".git").to_ascii_lowercase();
            repositories.iter().find(|one| {
                let slug = one.slug.to_string();
                one.remote.as_deref() == Some(hint)
                    || tail.strip_suffix(&slug).is_some_and(|head| head.is_empty() || head.ends_with(['/', ':']))
            })
        };
        match (&finding.hints.repository, repositories.as_slice()) {
            (Some(hint), _) => same(hint).map(|one| one.slug.clone()).ok_or_else(|| {
                Refusal::new(
                    Code::RepositoryUnknown,
                    "the finding names a repository that this server does not look after",
                    "add the repository to the server's configuration",
                )
            }),
            (None, [only]) => Ok(only.slug.clone()),
            (None, _) => Err(Refusal::new(
                Code::RepositoryUnknown,
                format!("the finding names no repository, and this server looks after {}", repositories.len()),
                "have the sender name the repository (hints.repository), or run a server for each",
            )),
        }
    })
}

/// Waits for SIGTERM or SIGINT.
pub async fn terminated() -> anyhow::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be watched")?;
        tokio::select! {
            _ = terminate.recv() => Ok(()),
            interrupted = tokio::signal::ctrl_c() => interrupted.context("SIGINT cannot be watched"),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await.context("Ctrl-C cannot be watched")
}

/// What is answered at an address.
struct Face {
    app: Arc<App>,
    deliveries: bool,
    probes: Option<TowerToHyperService<Router>>,
}

impl Face {
    async fn answer(&self, request: Request<Incoming>, peer: IpAddr) -> Result<Response, Infallible> {
        match &self.probes {
            Some(probes) if !self.deliveries || probes::PATHS.contains(&request.uri().path()) => {
                probes.call(request).await
            }
            _ => Ok(receive::receive(&self.app, request, peer).await),
        }
    }
}

/// An address at which connections are accepted.
struct Door {
    accepting: JoinHandle<()>,
    connections: Arc<Semaphore>,
    limit: u32,
}

impl Door {
    fn open(listener: TcpListener, face: Arc<Face>) -> Self {
        let limit = face.app.limits.connections;
        let connections = Arc::new(Semaphore::new(limit));
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        let accepting = tokio::spawn(accept(listener, face, Arc::clone(&connections)));
        Self { accepting, connections, limit }
    }

    /// Accepts nothing more and waits until every connection has answered what it had begun.
    async fn close(self, grace: Duration) {
        self.accepting.abort();
        if timeout(grace, self.connections.acquire_many(self.limit)).await.is_err() {
            tracing::warn!("some connections did not end in time and are cut");
        }
    }
}

async fn accept(listener: TcpListener, face: Arc<Face>, connections: Arc<Semaphore>) {
    loop {
        let Ok(permit) = Arc::clone(&connections).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, peer)) => {
                tokio::spawn(serve(stream, peer.ip(), Arc::clone(&face), permit));
            }
            Err(error) => {
                // Usually too many open files: others have to close first.
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Serves one connection until it closes, is too old, or the server ends.
async fn serve(stream: TcpStream, peer: IpAddr, face: Arc<Face>, permit: OwnedSemaphorePermit) {
    let app = &face.app;
    app.metrics.connections.inc();
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY");
    }
    let mut stopping = app.stopping.subscribe();
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(app.limits.head)
        .max_buf_size(64 << 10)
        .serve_connection(TokioIo::new(stream), service_fn(|request| face.answer(request, peer)));
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => Ok(ended),
        _ = stopping.wait_for(|stop| *stop) => Err(()),
        () = sleep(app.limits.connection) => Err(()),
    };
    let ended = match ended {
        Ok(ended) => Ok(ended),
        Err(()) => {
            connection.as_mut().graceful_shutdown();
            timeout(app.limits.grace, connection).await
        }
    };
    match ended {
        Ok(Ok(())) => {}
        // Clients go away all the time; it is their business.
        Ok(Err(error)) => tracing::debug!(%error, "a connection ended"),
        Err(_) => tracing::debug!("a connection did not end and is cut"),
    }
    app.metrics.connections.dec();
    drop(permit);
}

/// Forgets what is old, a little at a time.
async fn upkeep(app: Arc<App>) {
    const AT_ONCE: usize = 1_000;
    loop {
        let more = match app.store.gc(AT_ONCE, (app.clock)()).answer().await {
            Ok(deleted) => deleted >= AT_ONCE,
            Err(error) => {
                tracing::warn!(%error, "old deliveries could not be forgotten");
                false
            }
        };
        sleep(if more { Duration::from_secs(1) } else { Duration::from_secs(600) }).await;
    }
}
