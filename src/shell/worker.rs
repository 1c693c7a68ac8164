//! Takes accepted findings to their end: claims a repository, runs the job on its cases, writes what came of it.
//!
//! The job is a function that is passed in; here is what keeps it from doing harm: its lease is extended while it runs
//! and taken away when that fails, its panic is a failed try of its own cases and of nothing else, and a shutdown waits
//! for it only so long. A try is counted before it begins, so that a job which ends the process is not run for ever.

pub mod remediate;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    sync::watch,
    task::{JoinError, JoinSet},
    time::{MissedTickBehavior, interval, sleep, timeout},
};
use tracing::Instrument;

use super::{
    store::{
        Store, StoreError,
        lease::{Claim, Next, Outcome, Transition},
    },
    telemetry::{self, JobEnd, Metrics},
};

/// Works on the cases of a claim, on a thread of its own, and says what became of each.
///
/// Before every effect that others can see it asks [`Lease::held`], and stops if the answer is no.
pub type Job = Arc<dyn Fn(&Claim, &Lease) -> Vec<Transition> + Send + Sync>;

/// The time in unix milliseconds.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// How the workers work.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How many repositories are worked on at once.
    pub count: usize,
    /// How long a claim holds without a sign of life; signs are given every third of it.
    pub lease: Duration,
    /// How long a shutdown waits for running jobs.
    pub grace: Duration,
    /// How long after a first finding the worker waits for more of them, to take them up together.
    pub gather: Duration,
    /// How long a worker rests at most before it looks again (another process may have had a case tried again).
    pub rest: Duration,
}

/// Whether a job still has its repository for itself.
#[derive(Clone, Debug)]
pub struct Lease(Arc<AtomicBool>);

/// The running workers; dropping them ends them without waiting.
pub struct Workers {
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            count: 2,
            lease: Duration::from_secs(60),
            grace: Duration::from_secs(25),
            gather: Duration::from_millis(50),
            rest: Duration::from_secs(15),
        }
    }
}

impl Lease {
    /// A lease that nobody takes away, for work outside a server.
    pub fn unlimited() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }

    /// Tells whether the job may go on.
    pub fn held(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    fn lose(&self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Workers {
    /// Starts the workers; they end by themselves when the store fails.
    pub fn start(store: &Store, settings: Settings, job: &Job, metrics: &Arc<Metrics>, clock: &Clock) -> Self {
        let (stop, stopping) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for number in 1..=settings.count {
            let worker = Worker {
                name: format!("worker-{number}"),
                store: store.clone(),
                settings,
                job: Arc::clone(job),
                metrics: Arc::clone(metrics),
                clock: Arc::clone(clock),
                stopping: stopping.clone(),
            };
            tasks.spawn(worker.run());
        }
        Self { tasks, stop }
    }

    /// Claims nothing more, waits for running jobs as long as the settings say, and hands back what is not done then.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a worker ended badly");
            }
        }
    }
}

struct Worker {
    name: String,
    store: Store,
    settings: Settings,
    job: Job,
    metrics: Arc<Metrics>,
    clock: Clock,
    stopping: watch::Receiver<bool>,
}

impl Worker {
    async fn run(mut self) {
        let mut work = self.store.work();
        while !*self.stopping.borrow() {
            // What is announced from here on is news; what was announced before, the claim sees.
            work.borrow_and_update();
            let now = (self.clock)();
            let rest = match self.store.claim_repository(&self.name, self.lease(), now).answer().await {
                Ok(Next::Claim(claim)) => {
                    let span = tracing::info_span!("claim", repository = %claim.repository, token = claim.token);
                    self.work_on(*claim).instrument(span).await;
                    continue;
                }
                Ok(Next::Idle { due_at }) => {
                    let wait = due_at.map_or(u64::MAX, |due| u64::try_from(due.saturating_sub(now)).unwrap_or(0));
                    Duration::from_millis(wait.max(1)).min(self.settings.rest)
                }
                Err(StoreError::Broken(_)) => return,
                Err(error) => {
                    tracing::warn!(%error, "nothing can be claimed now");
                    Duration::from_secs(1)
                }
            };
            let news = tokio::select! {
                () = sleep(rest) => false,
                _ = self.stopping.wait_for(|stop| *stop) => false,
                changed = work.changed() => changed.is_ok(),
            };
            if news {
                tokio::select! {
                    () = sleep(self.settings.gather) => {}
                    _ = self.stopping.wait_for(|stop| *stop) => {}
                }
            }
        }
    }

    /// Runs the job beside the heartbeat, until it ends, loses its lease or has to be left behind by a shutdown.
    async fn work_on(&mut self, claim: Claim) {
        let claim = Arc::new(claim);
        let lease = Lease::unlimited();
        let began = Instant::now();
        for case in &claim.cases {
            tracing::info!(case = case.id.0, finding = case.fingerprint.short(), attempt = case.attempts, "begins");
        }
        let mut running = tokio::task::spawn_blocking({
            let (job, claim, lease) = (Arc::clone(&self.job), Arc::clone(&claim), lease.clone());
            let span = tracing::Span::current();
            move || span.in_scope(|| job(&claim, &lease))
        });

        let mut beats = interval(self.settings.lease / 3);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        beats.tick().await;
        let mut alive = Instant::now();
        let mut stopping = self.stopping.clone();
        let grace = self.settings.grace;
        let mut shutdown = std::pin::pin!(async move {
            // An error means that the workers were dropped: that is a shutdown as well.
            let _ = stopping.wait_for(|stop| *stop).await;
            sleep(grace).await;
        });
        let ended = loop {
            tokio::select! {
                ended = &mut running => break ended,
                () = &mut shutdown => {
                    lease.lose();
                    tracing::warn!("the job did not end in time: its cases are handed back");
                    self.count("released");
                    if let Err(error) = self.store.release(&claim, (self.clock)()).answer().await {
                        tracing::error!(%error, "the cases could not be handed back: they wait for the lease to end");
                    }
                    return;
                }
                _ = beats.tick() => {
                    let beat = self.store.heartbeat(&claim, self.lease(), (self.clock)()).answer();
                    // A store that hangs must not keep us from seeing that the lease is running out.
                    match timeout(self.settings.lease / 6, beat).await {
                        Ok(Ok(())) => alive = Instant::now(),
                        Ok(Err(StoreError::Fenced(_) | StoreError::Broken(_))) => lease.lose(),
                        Ok(Err(error)) => tracing::warn!(%error, "the lease could not be extended"),
                        Err(_) => tracing::warn!("the lease could not be extended in time"),
                    }
                    if alive.elapsed() > self.settings.lease * 2 / 3 {
                        lease.lose();
                    }
                }
            }
        };
        self.metrics.job_seconds.observe(began.elapsed().as_secs_f64());
        let transitions = ended.unwrap_or_else(|error| self.crashed(&claim, error));
        self.finish(&claim, transitions).await;
    }

    /// What a panic makes of the cases: a failed try each, and from now on each alone.
    fn crashed(&self, claim: &Claim, error: JoinError) -> Vec<Transition> {
        let reason = match error.try_into_panic() {
            Ok(panic) => format!("the job panicked: {}", telemetry::message(&*panic)),
            Err(error) => format!("the job was not run: {error}"),
        };
        tracing::error!(reason, "the job crashed");
        self.count("panicked");
        all(claim, &Outcome::Crashed(reason))
    }

    async fn finish(&self, claim: &Claim, mut transitions: Vec<Transition>) {
        for Transition { case, outcome } in &transitions {
            let end = match outcome {
                Outcome::Proposed(_) => "proposed",
                Outcome::Refused(_) => "refused",
                Outcome::Resolved(_) => "resolved",
                Outcome::Split { .. } => "split",
                Outcome::Retry(_) | Outcome::Crashed(_) => "failed",
                Outcome::Later { .. } => "later",
                Outcome::Dead(_) => "dead",
            };
            tracing::info!(case = case.0, end, "ends");
        }
        let given_up = Instant::now() + self.settings.lease;
        loop {
            match self.store.finish(claim, transitions.clone(), (self.clock)()).answer().await {
                Ok(()) => return self.count("done"),
                Err(StoreError::Fenced(_)) => {
                    tracing::warn!("the lease was lost: what the job said is not written");
                    return self.count("fenced");
                }
                Err(error @ StoreError::NotClaimed(_)) => {
                    tracing::error!(%error, "the job spoke of a case that is not its own");
                    transitions = all(claim, &Outcome::Retry(error.to_string()));
                }
                Err(StoreError::Busy | StoreError::Full) if Instant::now() < given_up => {
                    sleep(Duration::from_millis(200)).await;
                }
                Err(error) => {
                    tracing::error!(%error, "the result of a job could not be written: its cases are tried again");
                    return self.count("unwritten");
                }
            }
        }
    }

    fn lease(&self) -> i64 {
        i64::try_from(self.settings.lease.as_millis()).unwrap_or(i64::MAX)
    }

    fn count(&self, end: &str) {
        self.metrics.jobs.get_or_create(&JobEnd { end: end.to_owned() }).inc();
    }
}

/// The same outcome for every case of a claim.
fn all(claim: &Claim, outcome: &Outcome) -> Vec<Transition> {
    claim.cases.iter().map(|case| Transition { case: case.id, outcome: outcome.clone() }).collect()
}
