//! Work of which no part waits for another, spread over the machine's processors.
//!
//! What comes of it does not depend on how many there are: only time shows it.

use std::{
    panic::resume_unwind,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

/// The most threads: what each of them holds in memory adds up.
const MAX_THREADS: usize = 8;

/// The fewest items for which threads are started: that takes as long as to parse a small file.
const FEWEST: usize = 16;

/// How many threads there should be for work that can be shared out among so many.
pub fn threads(most: usize) -> usize {
    if most < 2 {
        return 1;
    }
    thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS).min(most)
}

/// What is made of each item, in their order.
pub fn each<T: Sync, R: Send>(items: &[T], of: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let mut made = Vec::new();
    let work = || |at, item: &T| (at, of(item));
    let others = share(items, threads(items.len() / FEWEST), |at, item| made.push((at, of(item))), work);
    made.extend(others);
    made.sort_by_key(|(at, _)| *at);
    made.into_iter().map(|(_, made)| made).collect()
}

/// Shares items out among this thread, which does `own` with those that it takes, and others, for each of which `worker` makes
/// what it does with its own. What the others made comes back, in no order.
pub fn share<T: Sync, R: Send, W: FnMut(usize, &T) -> R>(
    items: &[T],
    threads: usize,
    mut own: impl FnMut(usize, &T),
    worker: impl Fn() -> W + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let take = || {
        let at = next.fetch_add(1, Ordering::Relaxed);
        items.get(at).map(|item| (at, item))
    };
    thread::scope(|scope| {
        let work = || {
            let mut work = worker();
            std::iter::from_fn(take).map(|(at, item)| work(at, item)).collect::<Vec<_>>()
        };
        // Where the system has no thread left, there are fewer.
        let spawn = |_| thread::Builder::new().name("at once".to_owned()).spawn_scoped(scope, work).ok();
        let others: Vec<_> = (1..threads).filter_map(spawn).collect();
        std::iter::from_fn(take).for_each(|(at, item)| own(at, item));
        let made = others.into_iter().flat_map(|other| other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        made.collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_item_is_worked_on_once_and_stays_in_its_place() {
        for count in [0, 1, FEWEST, 10_000] {
            let items: Vec<usize> = (0..count).collect();
            let worked = AtomicUsize::new(0);
            let made = each(&items, |item| (worked.fetch_add(1, Ordering::Relaxed), item * 2).1);
            assert_eq!(made, items.iter().map(|item| item * 2).collect::<Vec<_>>());
            assert_eq!(worked.into_inner(), count);
        }
    }
}
