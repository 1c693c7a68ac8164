//! Threads on which mapping programs run, with a deadline.
//!
//! A jq program cannot be interrupted. One that does not end loses its thread, which is replaced; a sender that has lost
//! as many as it may is refused until one of them comes back. So a misbehaving program costs a bounded number of threads
//! and nobody else's deliveries.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU8, AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    time::Duration,
};

use anyhow::Context;
use tokio::{runtime::Handle, sync::oneshot, time::timeout};

use crate::shell::telemetry;

/// Threads that map.
const THREADS: usize = 4;

/// Deliveries that may wait for a thread.
const WAITING: usize = 512;

/// Threads that the program of one sender may keep for itself.
const OVERRUNS: usize = 2;

/// The threads.
pub(super) struct Mapping {
    queue: SyncSender<Task>,
    waiting: Arc<Mutex<Receiver<Task>>>,
    deadline: Duration,
}

/// Why there is no result.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unmapped {
    /// Too much waits for the threads, or the sender's program keeps too many of them.
    Busy,
    /// It did not end in time.
    Overrun,
    /// It panicked.
    Panicked(String),
}

/// Tells whether the thread that ran it has been replaced meanwhile and should end.
type Task = Box<dyn FnOnce() -> bool + Send>;

const QUEUED: u8 = 0;
const RUNNING: u8 = 1;
const DONE: u8 = 2;
const ABANDONED: u8 = 3;

impl Mapping {
    pub(super) fn new(deadline: Duration) -> anyhow::Result<Arc<Self>> {
        let (queue, waiting) = sync_channel(WAITING);
        let mapping = Self { queue, waiting: Arc::new(Mutex::new(waiting)), deadline };
        for _ in 0..THREADS {
            mapping.spawn().context("a thread for mapping cannot be started")?;
        }
        Ok(Arc::new(mapping))
    }

    /// Runs `work` on one of the threads; `overruns` counts the threads that the sender keeps.
    pub(super) async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        overruns: &Arc<AtomicUsize>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Unmapped> {
        if overruns.load(Ordering::Acquire) >= OVERRUNS {
            return Err(Unmapped::Busy);
        }
        let (reply, answer) = oneshot::channel();
        let state = Arc::new(AtomicU8::new(QUEUED));
        let task: Task = Box::new({
            let (state, overruns) = (Arc::clone(&state), Arc::clone(overruns));
            move || {
                if state.compare_exchange(QUEUED, RUNNING, Ordering::AcqRel, Ordering::Acquire).is_err() {
                    return false;
                }
                let result = catch_unwind(AssertUnwindSafe(work));
                // Whoever asked may have gone away.
                let _ = reply.send(result.map_err(|panic| Unmapped::Panicked(telemetry::message(&*panic))));
                let replaced = state.swap(DONE, Ordering::AcqRel) == ABANDONED;
                if replaced {
                    overruns.fetch_sub(1, Ordering::AcqRel);
                }
                replaced
            }
        });
        self.queue.try_send(task).map_err(|_| Unmapped::Busy)?;
        let mut watch = Watch(None);
        let mapped = watch.0.insert(Box::pin(Arc::clone(self).watch(answer, state, Arc::clone(overruns)))).await;
        watch.0 = None;
        mapped
    }

    /// Waits for an answer, or replaces the thread that does not give one.
    async fn watch<T>(
        self: Arc<Self>,
        mut answer: oneshot::Receiver<Result<T, Unmapped>>,
        state: Arc<AtomicU8>,
        overruns: Arc<AtomicUsize>,
    ) -> Result<T, Unmapped> {
        if let Ok(answered) = timeout(self.deadline, &mut answer).await {
            return answered.unwrap_or(Err(Unmapped::Busy));
        }
        // Counted before the thread can see that it was given up, so that the count never falls below zero.
        overruns.fetch_add(1, Ordering::AcqRel);
        match state.swap(ABANDONED, Ordering::AcqRel) {
            RUNNING => {
                if let Err(error) = self.spawn() {
                    tracing::error!(%error, "a thread for mapping could not be replaced");
                }
                Err(Unmapped::Overrun)
            }
            late => {
                overruns.fetch_sub(1, Ordering::AcqRel);
                if late == DONE { answer.await.unwrap_or(Err(Unmapped::Busy)) } else { Err(Unmapped::Busy) }
            }
        }
    }

    fn spawn(&self) -> std::io::Result<()> {
        let waiting = Arc::clone(&self.waiting);
        let serve = move || {
            loop {
                // The lock is held while waiting: one thread waits for the queue, the others for it.
                let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
                let replaced = next.map_or(true, |task| task());
                if replaced {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("mapping".to_owned()).spawn(serve).map(drop)
    }
}

/// The watch over a run. A client that goes away does not take it along: what is left of it goes on as a task.
struct Watch<F: Future<Output: Send> + Send + 'static>(Option<Pin<Box<F>>>);

impl<F: Future<Output: Send> + Send + 'static> Drop for Watch<F> {
    fn drop(&mut self) {
        if let Some(left) = self.0.take()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_does_not_end_is_left_behind_and_bounded() {
        let mapping = Mapping::new(Duration::from_millis(50)).expect("threads");
        let (good, bad) = (Arc::default(), Arc::default());
        let (release, released) = std::sync::mpsc::channel::<()>();
        let released = Arc::new(Mutex::new(released));
        let hang = || {
            let released = Arc::clone(&released);
            move || released.lock().expect("no panic").recv().is_ok()
        };
        assert_eq!(mapping.run(&bad, hang()).await, Err(Unmapped::Overrun));
        // Somebody who does not wait for the answer is watched all the same.
        let gone = timeout(Duration::from_millis(5), mapping.run(&bad, hang())).await;
        assert!(gone.is_err());
        while bad.load(Ordering::Acquire) < OVERRUNS {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(mapping.run(&bad, || 1).await, Err(Unmapped::Busy), "this sender has lost enough");
        for _ in 0..3 * THREADS {
            assert_eq!(mapping.run(&good, || 2).await, Ok(2), "the others go on");
        }
        drop(release);
        while bad.load(Ordering::Acquire) > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(mapping.run(&bad, || 3).await, Ok(3), "its threads came back");
    }

    #[tokio::test]
    async fn a_panic_is_an_answer() {
        let mapping = Mapping::new(Duration::from_secs(5)).expect("threads");
        let overruns = Arc::default();
        for _ in 0..2 * THREADS {
            let told = mapping.run(&overruns, || -> u8 { panic!("planted") }).await;
            assert_eq!(told, Err(Unmapped::Panicked("planted".to_owned())));
        }
        assert_eq!(overruns.load(Ordering::Acquire), 0);
    }
}
