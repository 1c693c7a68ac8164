//! The one thread that writes: it takes what waits, up to a thousand operations, and commits it with one flush.

use std::{
    collections::HashMap,
    sync::{
        atomic::{AtomicU64, AtomicUsize, Ordering},
        mpsc::Receiver,
    },
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, ErrorCode, OptionalExtension};
use tokio::sync::watch;

use super::{
    StoreError,
    deliveries::{self, Deliveries},
    index::{self, OpenCases},
};
use crate::model::repository::RepoSlug;

/// The most operations of one commit.
const GROUP: usize = 1_024;

/// The operations that are worth a flush: a larger group is not waited for.
const WORTHWHILE: usize = 16;

/// A group that takes longer is held up by the disk.
const SLOW: Duration = Duration::from_millis(4);

/// How long a group waits at most for operations that are on their way, and how often it looks: a wait that no sender
/// notices, for a flush less (PostgreSQL's `commit_delay`). Pausing, rather than waking up for each of them, leaves the
/// processor to those who prepare them.
const GATHERING: Duration = Duration::from_millis(2);
const PAUSE: Duration = Duration::from_micros(200);

/// What the writer calls an operation for.
pub(super) enum Phase<'a> {
    /// Do the work; may be called again if the group has to be repeated.
    Run(&'a mut Session),
    /// The work is on disk: answer.
    Durable,
    /// Nothing of it is on disk: answer with the error.
    Failed(&'a StoreError),
}

/// An operation with its answer inside; only [`Phase::Run`] can fail.
pub(super) type Operation = Box<dyn FnMut(Phase<'_>) -> rusqlite::Result<()> + Send>;

/// Counts what the writer does.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) commits: AtomicU64,
    pub(super) operations: AtomicU64,
    pub(super) queued: AtomicUsize,
    /// Operations that are being prepared; see [`super::Store::expect`].
    pub(super) coming: AtomicUsize,
}

/// The writing connection and what is remembered of its tables.
pub(super) struct Session {
    connection: Connection,
    /// Row ids of repositories, which are never deleted.
    repositories: HashMap<RepoSlug, i64>,
    open: OpenCases,
    deliveries: Deliveries,
    /// Whether the journal holds what must not be kept; so it may after a process was killed.
    forget: bool,
}

/// Serves the queue until it is closed or the store fails.
pub(super) fn run(
    mut session: Session,
    queue: &Receiver<Operation>,
    counters: &Counters,
    fail: &watch::Sender<Option<String>>,
) {
    let mut group = Vec::with_capacity(GROUP);
    let mut last = Last::default();
    while let Ok(first) = queue.recv() {
        group.push(first);
        gather(counters, last);
        group.extend(queue.try_iter().take(GROUP - 1));
        counters.queued.fetch_sub(group.len(), Ordering::Relaxed);
        let (size, began) = (group.len(), Instant::now());
        counters.operations.fetch_add(group.len() as u64, Ordering::Relaxed);
        if let Err(error) = session.commit(&mut group, counters) {
            tracing::error!(%error, "the store failed: nothing of this group was acknowledged");
            fail.send_replace(Some(error.to_string()));
            let broken = StoreError::Broken(error.to_string());
            answer(&mut group, || Phase::Failed(&broken));
            return;
        }
        last = Last { size, took: began.elapsed() };
        group.clear();
    }
}

/// How large the last group was, and how long it took until it was on disk.
#[derive(Clone, Copy, Default)]
struct Last {
    size: usize,
    took: Duration,
}

/// Waits a moment for more operations: while more are on their way than have come, while fewer have come than the last time, as
/// long as that is few, and while they keep coming, if the disk is slow. So one half is prepared while the other is flushed, and
/// more share a flush where it costs more. An operation that is alone does not wait.
fn gather(counters: &Counters, last: Last) {
    let (began, mut before) = (Instant::now(), 0);
    loop {
        let (queued, waited) = (counters.queued.load(Ordering::Relaxed), began.elapsed());
        let on_their_way = counters.coming.load(Ordering::Acquire) > queued;
        let few = queued < last.size.min(WORTHWHILE);
        let keep_coming = queued > before && last.size > 1 && last.took > SLOW;
        if waited >= GATHERING || !(on_their_way || few || keep_coming) {
            return;
        }
        before = queued;
        thread::sleep(PAUSE);
    }
}

impl Session {
    pub(super) fn new(connection: Connection) -> Result<Self, StoreError> {
        let failed = |error: rusqlite::Error| StoreError::Failed(error.to_string());
        let open = index::read(&connection).map_err(failed)?;
        let deliveries = Deliveries::read(&connection, deliveries::MOST).map_err(failed)?;
        Ok(Self { connection, repositories: HashMap::new(), open, deliveries, forget: true })
    }

    /// Has the journal emptied after this commit: it still holds what the database no longer does.
    pub(super) fn forget(&mut self) {
        self.forget = true;
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The open cases, as of this operation.
    pub(super) fn open_cases(&mut self) -> &mut OpenCases {
        &mut self.open
    }

    /// The deliveries that are known, as of this operation.
    pub(super) fn deliveries(&mut self) -> &mut Deliveries {
        &mut self.deliveries
    }

    /// The row of a repository, created at its first mention.
    pub(super) fn repository(&mut self, slug: &RepoSlug) -> rusqlite::Result<i64> {
        if let Some(id) = self.repositories.get(slug) {
            return Ok(*id);
        }
        let name = slug.to_string();
        let known = self
            .connection
            .prepare_cached("SELECT id FROM repository WHERE slug = ?1")?
            .query_one([&name], |row| row.get(0));
        let id = match known.optional()? {
            Some(id) => id,
            None => self.connection.prepare_cached("INSERT INTO repository (slug) VALUES (?1)")?.insert([&name])?,
        };
        self.repositories.insert(slug.clone(), id);
        Ok(id)
    }

    /// Does one piece of work in a transaction of its own, before the queue is open.
    pub(super) fn alone<T>(&mut self, work: impl FnOnce(&mut Self) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let done = self.begin().and_then(|()| work(self)).and_then(|done| self.end().map(|()| done));
        done.map_err(|error| StoreError::Failed(error.to_string()))
    }

    /// Commits a group and answers it. An error means that no later write can be trusted.
    fn commit(&mut self, group: &mut [Operation], counters: &Counters) -> rusqlite::Result<()> {
        match self.attempt(group, counters) {
            Ok(()) => {
                answer(group, || Phase::Durable);
                Ok(())
            }
            Err(Failure::Fatal(error)) => Err(error),
            // There is no room: everybody may try again later.
            Err(Failure::Full) => {
                answer(group, || Phase::Failed(&StoreError::Full));
                Ok(())
            }
            // One operation is to blame: find it by doing each on its own.
            Err(Failure::One(error)) if group.len() == 1 => {
                let failed = StoreError::Failed(error.to_string());
                tracing::error!(%error, "an operation of the store failed and left nothing behind");
                answer(group, || Phase::Failed(&failed));
                Ok(())
            }
            Err(Failure::One(_)) => group.chunks_mut(1).try_for_each(|one| self.commit(one, counters)),
        }
    }

    fn attempt(&mut self, group: &mut [Operation], counters: &Counters) -> Result<(), Failure> {
        let before = self.connection.total_changes();
        let mut run = |session: &mut Self| {
            session.begin()?;
            group.iter_mut().try_for_each(|operation| operation(Phase::Run(session)))
        };
        let done = run(self).map_err(|error| Failure::of(error, false));
        let done = done.and_then(|()| self.end().map_err(|error| Failure::of(error, true)));
        if done.is_err() {
            self.repositories.clear();
            self.open.take_back();
            self.deliveries.take_back();
            if !self.connection.is_autocommit() {
                self.connection.execute_batch("ROLLBACK").map_err(Failure::Fatal)?;
            }
        } else if self.connection.total_changes() > before {
            counters.commits.fetch_add(1, Ordering::Relaxed);
            self.forget_now();
        }
        self.open.keep();
        self.deliveries.keep();
        done
    }

    /// Empties the journal if something in it is to be forgotten; a reader in the way puts it off to the next commit.
    fn forget_now(&mut self) {
        if !self.forget {
            return;
        }
        match self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)) {
            Ok(busy) => self.forget = busy,
            // What was committed is on disk all the same.
            Err(error) => tracing::warn!(%error, "the journal could not be emptied"),
        }
    }

    /// Begins to write. Another process may hold the write lock for a moment (`findings retry`); nothing is lost by
    /// waiting for it, and a store that waits too long shows in its full queue.
    fn begin(&self) -> rusqlite::Result<()> {
        loop {
            match self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([]) {
                Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                    tracing::warn!("another process keeps the database locked");
                }
                other => return other.map(drop),
            }
        }
    }

    fn end(&self) -> rusqlite::Result<()> {
        self.connection.prepare_cached("COMMIT")?.execute([]).map(drop)
    }
}

/// Why a group was not committed, and who has to suffer for it.
enum Failure {
    /// After a failed flush nobody knows what is on disk (fsync clears the error it reports): end.
    Fatal(rusqlite::Error),
    /// Nothing could be written for want of room, which says nothing about what is on disk.
    Full,
    /// One operation was refused, the others are fine.
    One(rusqlite::Error),
}

impl Failure {
    fn of(error: rusqlite::Error, committing: bool) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(
                ErrorCode::SystemIoFailure
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::OutOfMemory
                | ErrorCode::FileLockingProtocolFailed,
            ) => Self::Fatal(error),
            _ if committing => Self::Fatal(error),
            _ => Self::One(error),
        }
    }
}

fn answer<'a>(group: &mut [Operation], phase: impl Fn() -> Phase<'a>) {
    for operation in group {
        // Answering cannot fail: only running does.
        let _ = operation(phase());
    }
}
