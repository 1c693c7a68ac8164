//! Threads on which mapping programs run, with a deadline.
//!
//! A jq program cannot be interrupted. One that does not end loses its thread, which is replaced; a sender that has lost
//! as many as it may is refused until one of them comes back. So a misbehaving program costs a bounded number of threads
//! and nobody else's deliveries.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::Context;
use tokio::{runtime::Handle, sync::oneshot, time::timeout};

use crate::shell::telemetry;

/// Threads that map.
const THREADS: usize = 4;

/// Deliveries that may wait for a thread.
const WAITING: usize = 512;

/// How often a thread that finds no task lets others run before it sleeps: under load they bring one meanwhile.
const YIELDS: usize = 3;

/// Threads that the program of one sender may keep for itself.
const OVERRUNS: usize = 2;

/// The threads.
pub(super) struct Mapping {
    queue: Arc<Queue>,
    deadline: Duration,
    patience: Duration,
}

/// Where the answer to what was handed on goes.
pub(super) struct Reply<T>(oneshot::Sender<Result<T, Unmapped>>);

/// Why there is no answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unmapped {
    /// Too much waits for the threads, or the sender's program keeps too many of them.
    Busy,
    /// It did not end in time: its result is thrown away.
    Overrun,
    /// It panicked.
    Panicked(String),
    /// It was handed on, and no answer came in time.
    Unanswered,
}

/// Tells whether the thread that ran it has been replaced meanwhile and should end.
type Task = Box<dyn FnOnce() -> bool + Send>;

const QUEUED: u8 = 0;
const RUNNING: u8 = 1;
const DONE: u8 = 2;
const ABANDONED: u8 = 3;

impl Mapping {
    /// Starts the threads. Work may take until `deadline`, from its submission, and the answer `patience` longer.
    pub(super) fn new(deadline: Duration, patience: Duration) -> anyhow::Result<Arc<Self>> {
        let mapping = Self { queue: Arc::default(), deadline, patience };
        for _ in 0..THREADS {
            mapping.spawn().context("a thread for mapping cannot be started")?;
        }
        Ok(Arc::new(mapping))
    }

    /// Runs `work` on one of the threads and, if it ended in time, `hand_on` with its result: that must not take long,
    /// and sees that there is an answer. `overruns` counts the threads that the sender keeps.
    pub(super) async fn run<M, T: Send + 'static>(
        self: &Arc<Self>,
        overruns: &Arc<AtomicUsize>,
        work: impl FnOnce() -> M + Send + 'static,
        hand_on: impl FnOnce(M, Reply<T>) + Send + 'static,
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
                if state.swap(DONE, Ordering::AcqRel) == ABANDONED {
                    // The sender was told so: nothing of it may have an effect.
                    overruns.fetch_sub(1, Ordering::AcqRel);
                    return true;
                }
                match result {
                    Ok(mapped) => hand_on(mapped, Reply(reply)),
                    Err(panic) => {
                        // Whoever asked may have gone away.
                        let _ = reply.send(Err(Unmapped::Panicked(telemetry::message(&*panic))));
                    }
                }
                false
            }
        });
        if !self.queue.push(task) {
            return Err(Unmapped::Busy);
        }
        let mut watch = Watch(None);
        let answer = watch.0.insert(Box::pin(Arc::clone(self).watch(answer, state, Arc::clone(overruns)))).await;
        watch.0 = None;
        answer
    }

    /// Runs `work` here and hands its result on, as [`Self::run`] does: for what is sure to end soon, and costs less than handing
    /// it to another thread and back.
    pub(super) async fn run_here<M, T>(
        &self,
        work: impl FnOnce() -> M,
        hand_on: impl FnOnce(M, Reply<T>),
    ) -> Result<T, Unmapped> {
        let (reply, answer) = oneshot::channel();
        match catch_unwind(AssertUnwindSafe(work)) {
            Ok(mapped) => hand_on(mapped, Reply(reply)),
            Err(panic) => return Err(Unmapped::Panicked(telemetry::message(&*panic))),
        }
        timeout(self.patience, answer).await.ok().and_then(Result::ok).unwrap_or(Err(Unmapped::Unanswered))
    }

    /// Waits for an answer, or replaces the thread that does not give one.
    async fn watch<T>(
        self: Arc<Self>,
        mut answer: oneshot::Receiver<Result<T, Unmapped>>,
        state: Arc<AtomicU8>,
        overruns: Arc<AtomicUsize>,
    ) -> Result<T, Unmapped> {
        if let Ok(answered) = timeout(self.deadline, &mut answer).await {
            return answered.unwrap_or(Err(Unmapped::Unanswered));
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
                if late == QUEUED {
                    return Err(Unmapped::Busy);
                }
                let answered = timeout(self.patience, answer).await;
                answered.ok().and_then(Result::ok).unwrap_or(Err(Unmapped::Unanswered))
            }
        }
    }

    fn spawn(&self) -> std::io::Result<()> {
        let queue = Arc::clone(&self.queue);
        let serve = move || {
            while let Some(task) = queue.pop() {
                let replaced = task();
                if replaced {
                    return;
                }
            }
        };
        thread::Builder::new().name("mapping".to_owned()).spawn(serve).map(drop)
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl<T> Reply<T> {
    /// Answers; whoever asked may have gone away.
    pub(super) fn send(self, answer: T) {
        let _ = self.0.send(Ok(answer));
    }
}

/// Tasks that wait for a thread.
///
/// To wake a thread for each would cost half as much as mapping it does. So at most one is awake and looks for a task;
/// whoever finds one wakes the next if there are more, as the schedulers of Go and tokio have it. Under load a thread that
/// ends one task takes the next, and nobody has to be woken.
#[derive(Default)]
struct Queue {
    inside: Mutex<Inside>,
    come: Condvar,
}

#[derive(Default)]
struct Inside {
    tasks: VecDeque<Task>,
    /// Threads that sleep and were not called.
    asleep: usize,
    /// Threads that were called and have not come yet.
    called: usize,
    /// Threads that are awake and have no task.
    looking: usize,
    closed: bool,
}

impl Queue {
    /// Tells whether there was room.
    fn push(&self, task: Task) -> bool {
        let mut inside = self.inside();
        if inside.tasks.len() >= WAITING {
            return false;
        }
        inside.tasks.push_back(task);
        self.call(&mut inside);
        true
    }

    /// Waits for the next task; there is none after the end.
    fn pop(&self) -> Option<Task> {
        let mut inside = self.inside();
        inside.looking += 1;
        let mut yielded = 0;
        loop {
            if let Some(task) = inside.tasks.pop_front() {
                inside.looking -= 1;
                if !inside.tasks.is_empty() {
                    self.call(&mut inside);
                }
                return Some(task);
            }
            if inside.closed {
                inside.looking -= 1;
                return None;
            }
            if inside.looking == 1 && yielded < YIELDS {
                yielded += 1;
                drop(inside);
                thread::yield_now();
                inside = self.inside();
                continue;
            }
            inside.looking -= 1;
            inside.asleep += 1;
            while inside.called == 0 && !inside.closed {
                inside = self.come.wait(inside).unwrap_or_else(PoisonError::into_inner);
            }
            inside.called = inside.called.saturating_sub(1);
            inside.looking += 1;
        }
    }

    /// Wakes a thread unless one is looking already.
    fn call(&self, inside: &mut Inside) {
        if inside.looking + inside.called == 0 && inside.asleep > 0 {
            inside.asleep -= 1;
            inside.called += 1;
            self.come.notify_one();
        }
    }

    fn close(&self) {
        self.inside().closed = true;
        self.come.notify_all();
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
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

    fn answer(mapped: bool, reply: Reply<bool>) {
        reply.send(mapped);
    }

    #[tokio::test]
    async fn only_what_ended_in_time_is_handed_on() {
        let short = Duration::from_millis(50);
        let mapping = Mapping::new(short, short).expect("threads");
        let overruns = Arc::default();
        let handed_on = Arc::new(AtomicUsize::new(0));
        let run = |milliseconds, answers: bool| {
            let handed_on = Arc::clone(&handed_on);
            let work = move || thread::sleep(Duration::from_millis(milliseconds));
            mapping.run(&overruns, work, move |(), reply| {
                handed_on.fetch_add(1, Ordering::AcqRel);
                if answers {
                    reply.send(());
                } else {
                    std::mem::forget(reply);
                }
            })
        };
        assert_eq!(run(0, true).await, Ok(()));
        assert_eq!(run(0, false).await, Err(Unmapped::Unanswered));
        assert_eq!(handed_on.load(Ordering::Acquire), 2);
        assert_eq!(run(200, true).await, Err(Unmapped::Overrun));
        while overruns.load(Ordering::Acquire) > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(handed_on.load(Ordering::Acquire), 2, "what was given up has no effect");
    }

    #[tokio::test]
    async fn what_does_not_end_is_left_behind_and_bounded() {
        let mapping = Mapping::new(Duration::from_millis(50), Duration::from_secs(5)).expect("threads");
        let (good, bad) = (Arc::default(), Arc::default());
        let (release, released) = std::sync::mpsc::channel::<()>();
        let released = Arc::new(Mutex::new(released));
        let hang = || {
            let released = Arc::clone(&released);
            move || released.lock().expect("no panic").recv().is_ok()
        };
        assert_eq!(mapping.run(&bad, hang(), answer).await, Err(Unmapped::Overrun));
        // Somebody who does not wait for the answer is watched all the same.
        let gone = timeout(Duration::from_millis(5), mapping.run(&bad, hang(), answer)).await;
        assert!(gone.is_err());
        while bad.load(Ordering::Acquire) < OVERRUNS {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(mapping.run(&bad, || true, answer).await, Err(Unmapped::Busy), "this sender has lost enough");
        for _ in 0..3 * THREADS {
            assert_eq!(mapping.run(&good, || true, answer).await, Ok(true), "the others go on");
        }
        drop(release);
        while bad.load(Ordering::Acquire) > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(mapping.run(&bad, || true, answer).await, Ok(true), "its threads came back");
    }

    #[tokio::test]
    async fn a_panic_is_an_answer() {
        let mapping = Mapping::new(Duration::from_secs(5), Duration::from_secs(5)).expect("threads");
        let overruns = Arc::default();
        for _ in 0..2 * THREADS {
            let told = mapping.run(&overruns, || -> bool { panic!("planted") }, answer).await;
            assert_eq!(told, Err(Unmapped::Panicked("planted".to_owned())));
        }
        assert_eq!(overruns.load(Ordering::Acquire), 0);
    }
}
