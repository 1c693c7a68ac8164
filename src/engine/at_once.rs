//! Work of which no part waits for another, spread over the machine's processors.
//!
//! What comes of it does not depend on how many there are: only time shows it.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

/// The most threads: what each of them holds in memory adds up.
const MAX_THREADS: usize = 8;

/// The fewest items for which threads are started: that takes as long as to parse a small file.
const FEWEST: usize = 16;

/// How many threads there should be for so much work.
pub fn threads(most: usize) -> usize {
    if most < 2 {
        return 1;
    }
    thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS).min(most)
}

/// What is made of each item, in their order.
pub fn each<T: Sync, R: Send>(items: &[T], of: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = threads(items.len() / FEWEST);
    if threads < 2 {
        return items.iter().map(of).collect();
    }
    let next = AtomicUsize::new(0);
    let work = || {
        let mut made = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { return made };
            made.push((at, of(item)));
        }
    };
    let mut made = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut made = work();
        for other in others {
            match other.join() {
                Ok(more) => made.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        made
    });
    made.sort_by_key(|(at, _)| *at);
    made.into_iter().map(|(_, made)| made).collect()
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
