//! What was received and what became of it, durably.
//!
//! A sender that is told 202 will never send again, so nothing is acknowledged before it is on disk. SQLite in WAL mode
//! with `synchronous=FULL` does the hard part; this module adds what makes it fast and safe under load:
//!
//! - one process owns a data folder, by an exclusive lock that is held as long as the store is open;
//! - one thread owns the only writing connection and commits many operations with one flush (group commit);
//! - a queue of bounded length leads to it: a full queue answers [`StoreError::Busy`], it never grows;
//! - an error while committing is fatal: nobody is acknowledged, and the store takes no further work.
//!
//! The queue of work is a column of the domain's own tables, so a change of state and the next step are one commit. The
//! unit of work is a repository, claimed under a lease with a fencing token: every later write of the claim names the
//! token, and a claim that was taken away writes nothing.
//!
//! Times are unix milliseconds that the caller passes in.

pub mod accept;
pub mod beside;
pub mod case;
mod deliveries;
mod index;
pub mod lease;
mod onboarding;
pub mod overview;
pub mod read;
mod redelivery;
pub mod request;
mod rows;
mod schema;
pub mod suspicion;
mod upkeep;
mod writer;

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{SyncSender, TrySendError},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use tokio::sync::{oneshot, watch};

use self::{
    accept::{Acceptance, Arrival, Delivery, Rejection},
    case::{CaseId, State},
    lease::{Claim, Conclusion, Next},
    request::{About, Effect},
    writer::{Counters, Operation, Phase, Session},
};
use crate::model::repository::RepoSlug;

/// How many operations may wait for the writer.
pub const QUEUE: usize = 8_192;

/// How long a data folder may be locked before another server is taken to have it.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);

/// The open store; clones share it, and the last one to go closes it.
#[derive(Clone)]
pub struct Store(Arc<Open>);

struct Open {
    folder: PathBuf,
    /// Absent only while dropping.
    queue: Option<SyncSender<Operation>>,
    writer: Option<JoinHandle<()>>,
    counters: Arc<Counters>,
    broken: watch::Receiver<Option<String>>,
    work: watch::Sender<()>,
}

/// An operation that is on its way to the store; it has come, or is given up, when the first of its clones is dropped.
#[derive(Clone)]
pub struct Expected(Arc<Announcement>);

struct Announcement {
    counters: Arc<Counters>,
    stands: AtomicBool,
}

/// What the store cannot do, and why.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum StoreError {
    /// The queue is full: nothing was taken, try again in a moment.
    #[error("the store's queue is full")]
    Busy,
    /// The disk or the data folder's limit is full: nothing was written, and nothing will be until there is room.
    #[error("there is no room left to write in the data folder")]
    Full,
    /// Writing failed in a way that no later write can be trusted after; the process has to end.
    #[error("the store failed and takes no further work: {0}")]
    Broken(String),
    /// SQLite refused this one operation, which left nothing behind.
    #[error("the store could not do this: {0}")]
    Failed(String),
    /// The claim's lease was given to somebody else: nothing was written, stop working on it.
    #[error("the lease of {0} was taken away")]
    Fenced(String),
    /// The work on a case was reported by somebody who did not claim it: nothing was written.
    #[error("case {0} is not part of this claim")]
    NotClaimed(CaseId),
    /// There is no such case.
    #[error("there is no case {0}")]
    NoSuchCase(CaseId),
    /// Only what waits, was refused or was given up can be tried again.
    #[error("case {0} is {1}: only cases that are waiting, refused or dead can be tried again")]
    NotRetriable(CaseId, State),
    /// What is over already cannot be ended.
    #[error("case {0} is over already")]
    Over(CaseId),
    /// The case belongs to no repository of this server.
    #[error("case {0} belongs to no repository of this server: add the repository to the configuration")]
    Unrouted(CaseId),
    /// Another process has the data folder.
    #[error("another process holds {0}: only one server may use a data folder")]
    Locked(PathBuf),
    /// The data folder was written by a newer version.
    #[error("{path} has version {found}, this program knows {known}: use a newer sourceward")]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// The data folder has nothing to read.
    #[error("{0} holds no findings: no server has used it yet")]
    Absent(PathBuf),
    /// The SQLite library is one that can corrupt a WAL with several connections.
    #[error("SQLite {0} is too old: 3.51.3 or later is needed (WAL reset bug)")]
    Library(String),
    /// The data folder cannot be used.
    #[error("{path}: {error}")]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        error: String,
    },
}

/// How a store is opened.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// The most bytes the database may take, absent for what the disk holds.
    pub limit: Option<u64>,
}

/// The answer to an operation, there once its group is on disk.
#[must_use = "nothing is known to be durable before the answer"]
pub struct Pending<T>(oneshot::Receiver<Result<T, StoreError>>);

/// How much the writer has done and has waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Transactions that wrote something: each is one flush.
    pub commits: u64,
    /// Operations done.
    pub operations: u64,
    /// Operations that wait for the writer, of at most [`QUEUE`].
    pub queued: usize,
}

impl Store {
    /// Opens a data folder, creating it where needed, brings its schema up to date and voids the leases that the last
    /// process left: their cases wait for their next try.
    pub fn open(folder: &Path, options: Options, now: i64) -> Result<Self, StoreError> {
        schema::check_library()?;
        let problem =
            |path: &Path, error: std::io::Error| StoreError::Folder { path: path.to_owned(), error: error.to_string() };
        fs::create_dir_all(folder).map_err(|error| problem(folder, error))?;
        only_for_the_owner(folder).map_err(|error| problem(folder, error))?;
        let path = folder.join("lock");
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| problem(&path, error))?;
        // A process that was just forked holds its parent's files, and with them a lock that was given back, until it runs
        // its own program.
        let began = Instant::now();
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if began.elapsed() < LOCK_PATIENCE => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(TryLockError::WouldBlock) => return Err(StoreError::Locked(folder.to_owned())),
                Err(TryLockError::Error(error)) => return Err(problem(&path, error)),
            }
        }
        let mut session = Session::new(schema::open(folder, options)?)?;
        session.alone(|session| lease::void_all(session, now))?;

        let counters = Arc::new(Counters::default());
        let (queue, operations) = std::sync::mpsc::sync_channel(QUEUE);
        let (fail, broken) = watch::channel(None);
        let writer = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn({
                let counters = Arc::clone(&counters);
                move || {
                    writer::run(session, &operations, &counters, &fail);
                    drop(lock);
                }
            })
            .map_err(|error| problem(folder, error))?;
        Ok(Self(Arc::new(Open {
            folder: folder.to_owned(),
            queue: Some(queue),
            writer: Some(writer),
            counters,
            broken,
            work: watch::channel(()).0,
        })))
    }

    /// Announces an operation that is being prepared: the writer waits a moment, up to two milliseconds, to flush many
    /// of them at once. Drop the announcement after the operation was submitted.
    pub fn expect(&self) -> Expected {
        let counters = Arc::clone(&self.0.counters);
        counters.coming.fetch_add(1, Ordering::AcqRel);
        Expected(Arc::new(Announcement { counters, stands: AtomicBool::new(true) }))
    }

    /// Takes a delivery with its findings, all or nothing.
    ///
    /// A delivery id that was seen before from this sender repeats nothing: the same body is
    /// [`Acceptance::Duplicate`], another one [`Acceptance::Conflict`].
    pub fn accept(&self, delivery: Delivery, arrivals: Vec<Arrival>) -> Pending<Acceptance> {
        let (reply, pending) = Pending::new();
        self.accept_then(delivery, arrivals, reply);
        pending
    }

    /// Takes a delivery as [`Self::accept`] does and calls `reply` with the answer, on the writer's thread: it must not
    /// take long.
    pub fn accept_then(
        &self,
        delivery: Delivery,
        arrivals: Vec<Arrival>,
        reply: impl FnOnce(Result<Acceptance, StoreError>) + Send + 'static,
    ) {
        let work = self.0.work.clone();
        self.submit_then(
            move |session| accept::accept(session, &delivery, &arrivals).map(Ok),
            move |answer| {
                if let Ok(Acceptance::Accepted(all)) = &answer
                    && all.iter().any(|one| one.status.is_work())
                {
                    work.send_replace(());
                }
                reply(answer);
            },
        );
    }

    /// Takes an event of the forge, once: a delivery id that was seen before is [`Acceptance::Duplicate`].
    pub fn take(&self, delivery: Delivery, effects: Vec<(About, Effect)>) -> Pending<Acceptance> {
        let work = self.0.work.clone();
        self.submit(
            move |session| request::take(session, &delivery, &effects).map(Ok),
            move |_| {
                work.send_replace(());
            },
        )
    }

    /// Has the repositories looked at soon that have not answered an introduction, or were not introduced yet.
    pub fn introduce(&self, slugs: Vec<RepoSlug>, now: i64) -> Pending<()> {
        let work = self.0.work.clone();
        self.submit(
            move |session| onboarding::introduce(session, &slugs, now).map(Ok),
            move |()| {
                work.send_replace(());
            },
        )
    }

    /// Of deliveries of the forge, by their ids, those that never came and were not asked for again, at most `limit`, in
    /// their order; from now on they count as asked for.
    pub fn ask_again(&self, ids: Vec<String>, limit: usize, now: i64) -> Pending<Vec<String>> {
        self.submit(move |session| redelivery::ask(session, &ids, limit, now).map(Ok), |_| ())
    }

    /// Takes back that a delivery was asked for again.
    pub fn not_asked(&self, id: String) -> Pending<()> {
        self.submit(move |session| redelivery::take_back(session.connection(), &id).map(Ok), |()| ())
    }

    /// Keeps the last thousand deliveries that could not be mapped, without their bodies, for `findings list`.
    pub fn reject(&self, rejection: Rejection) -> Pending<()> {
        self.submit(move |session| accept::reject(session, &rejection).map(Ok), |()| ())
    }

    /// Claims the repository whose work has waited longest, with its due cases, for `lease` milliseconds.
    ///
    /// The try is counted before it begins, so that a case which ends the process is not tried for ever. A case on which
    /// a process has ended before is handed out alone. Leases that ran out are voided first.
    pub fn claim_repository(&self, worker: &str, lease: i64, now: i64) -> Pending<Next> {
        let worker = worker.to_owned();
        self.submit(move |session| lease::claim::claim(session, &worker, lease, now).map(Ok), |_| ())
    }

    /// Extends the claim's lease to `lease` milliseconds from now; [`StoreError::Fenced`] if it was taken away.
    pub fn heartbeat(&self, claim: &Claim, lease: i64, now: i64) -> Pending<()> {
        let key = claim.key();
        self.submit(move |session| lease::heartbeat(session, &key, lease, now), |()| ())
    }

    /// Writes what became of the claim's cases and gives the repository back, atomically.
    ///
    /// Cases without a transition are tried again. A case that was revised meanwhile stays open for its new revision.
    pub fn finish(&self, claim: &Claim, said: impl Into<Conclusion>, now: i64) -> Pending<()> {
        let (key, work, said) = (claim.key(), self.0.work.clone(), said.into());
        self.submit(
            move |session| lease::finish(session, &key, &said, now),
            move |()| {
                work.send_replace(());
            },
        )
    }

    /// Gives the claim back undone; its cases are ready at once and the try is not counted.
    pub fn release(&self, claim: &Claim, now: i64) -> Pending<()> {
        let (key, work) = (claim.key(), self.0.work.clone());
        self.submit(
            move |session| lease::release(session, &key, now),
            move |()| {
                work.send_replace(());
            },
        )
    }

    /// Makes a case that waits, was refused or was given up ready again, with all its tries.
    pub fn retry(&self, case: CaseId, now: i64) -> Pending<()> {
        let work = self.0.work.clone();
        self.submit(
            move |session| lease::retry(session.connection(), case, now),
            move |()| {
                work.send_replace(());
            },
        )
    }

    /// Forgets deliveries and resolved cases that are old enough, at most `limit` of each; tells how many went.
    pub fn gc(&self, limit: usize, now: i64) -> Pending<usize> {
        self.submit(move |session| upkeep::gc(session, limit, now).map(Ok), |_| ())
    }

    /// Passes through the whole queue and begins a write, to learn that the writer still can.
    pub fn ping(&self) -> Pending<()> {
        self.submit(|_| Ok(Ok(())), |()| ())
    }

    /// A connection of its own to read with.
    pub fn reader(&self) -> Result<read::Reader, StoreError> {
        read::Reader::open(&self.0.folder)
    }

    /// What the writer has done so far.
    pub fn progress(&self) -> Progress {
        Progress {
            commits: self.0.counters.commits.load(Ordering::Relaxed),
            operations: self.0.counters.operations.load(Ordering::Relaxed),
            queued: self.0.counters.queued.load(Ordering::Relaxed),
        }
    }

    /// Changes whenever there may be something new to claim.
    pub fn work(&self) -> watch::Receiver<()> {
        self.0.work.subscribe()
    }

    /// Why the store failed, once it has; the process should end then.
    pub fn broken(&self) -> Option<String> {
        self.0.broken.borrow().clone()
    }

    /// Waits until the store fails, for ever if it does not.
    pub async fn failure(&self) -> String {
        let mut broken = self.0.broken.clone();
        let reason = broken.wait_for(Option::is_some).await.ok().and_then(|reason| reason.clone());
        // While the store is open only a panic ends the writer without a reason.
        reason.unwrap_or_else(|| "the writer has ended".to_owned())
    }

    /// Queues work for the writer; `after` runs once it is durable, before the answer goes out.
    fn submit<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut Session) -> rusqlite::Result<Result<T, StoreError>> + Send + 'static,
        after: impl FnOnce(&T) + Send + 'static,
    ) -> Pending<T> {
        let (reply, pending) = Pending::new();
        self.submit_then(work, move |answer| {
            if let Ok(value) = &answer {
                after(value);
            }
            reply(answer);
        });
        pending
    }

    /// Queues work for the writer; `reply` is called once it is durable, or cannot be done.
    fn submit_then<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&mut Session) -> rusqlite::Result<Result<T, StoreError>> + Send + 'static,
        reply: impl FnOnce(Result<T, StoreError>) + Send + 'static,
    ) {
        let (mut reply, mut result) = (Some(reply), None);
        let operation: Operation = Box::new(move |phase| {
            let said = match phase {
                Phase::Run(session) => {
                    result = Some(work(session)?);
                    return Ok(());
                }
                Phase::Durable => result.take(),
                Phase::Failed(error) => Some(Err(error.clone())),
            };
            if let (Some(said), Some(reply)) = (said, reply.take()) {
                reply(said);
            }
            Ok(())
        });
        let refuse = |mut operation: Operation, why: &StoreError| {
            // Answering cannot fail: only running does.
            let _ = operation(Phase::Failed(why));
        };
        let Some(queue) = &self.0.queue else { return refuse(operation, &self.gone()) };
        self.0.counters.queued.fetch_add(1, Ordering::Relaxed);
        if let Err(refused) = queue.try_send(operation) {
            self.0.counters.queued.fetch_sub(1, Ordering::Relaxed);
            match refused {
                TrySendError::Full(operation) => refuse(operation, &StoreError::Busy),
                TrySendError::Disconnected(operation) => refuse(operation, &self.gone()),
            }
        }
    }

    fn gone(&self) -> StoreError {
        StoreError::Broken(self.broken().unwrap_or_else(|| "the writer has ended".to_owned()))
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        if self.0.stands.swap(false, Ordering::AcqRel) {
            self.0.counters.coming.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(writer) = self.writer.take() {
            // A writer that panicked has already answered nobody; there is nothing to add while dropping.
            let _ = writer.join();
        }
    }
}

impl<T: Send + 'static> Pending<T> {
    /// An answer that is to come, and the function that gives it.
    fn new() -> (impl FnOnce(Result<T, StoreError>) + Send + 'static, Self) {
        let (sender, answer) = oneshot::channel();
        let reply = move |said| {
            // Whoever asked may have gone away; what is written stays written.
            let _ = sender.send(said);
        };
        (reply, Self(answer))
    }

    /// Waits without blocking the thread.
    pub async fn answer(self) -> Result<T, StoreError> {
        self.0.await.unwrap_or_else(|_| Err(ended()))
    }

    /// Waits on a plain thread; must not be called from asynchronous code.
    pub fn wait(self) -> Result<T, StoreError> {
        self.0.blocking_recv().unwrap_or_else(|_| Err(ended()))
    }
}

fn ended() -> StoreError {
    StoreError::Broken("the writer has ended".to_owned())
}

/// Findings describe what is wrong with somebody's systems: nobody else on the machine needs to read them.
fn only_for_the_owner(folder: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    }
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}
