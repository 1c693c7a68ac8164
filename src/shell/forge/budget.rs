//! How much may be asked of GitHub: its published limits, kept before it has to remind us.
//!
//! "Rate limits for the REST API", section "secondary rate limits": 100 requests at once, 900 points a minute (a look is one,
//! a change five), and of requests that create content 80 a minute and 500 an hour. An installation has them for itself, so
//! they are counted by the owner of the repository. What counts as content is not said exactly: here it is every change but
//! objects of git's that nobody sees yet.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::http::Method;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// How long a call waits in place: beyond that the case waits, and others go on.
const PATIENCE: Duration = Duration::from_secs(3);

/// The limits that are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Calls at once, of all owners together.
    pub at_once: usize,
    /// Points a minute.
    pub points: usize,
    /// Requests that create content, a minute.
    pub content: usize,
    /// The same, an hour.
    pub content_hourly: usize,
}

impl Default for Budget {
    /// GitHub's limits with some room for what people do in the same name.
    fn default() -> Self {
        Self { at_once: 50, points: 800, content: 70, content_hourly: 450 }
    }
}

/// What was asked lately.
pub(super) struct Budgets {
    budget: Budget,
    at_once: Arc<Semaphore>,
    spent: Mutex<BTreeMap<String, Spent>>,
}

#[derive(Default)]
struct Spent {
    /// When how many points were spent, the oldest first.
    points: VecDeque<(Instant, usize)>,
    content: VecDeque<Instant>,
}

impl Budgets {
    pub(super) fn new(budget: Budget) -> Self {
        Self { budget, at_once: Arc::new(Semaphore::new(budget.at_once.max(1))), spent: Mutex::default() }
    }

    /// Waits for the call's turn, and counts it; it is made while the permit is held.
    ///
    /// # Errors
    /// How long it would have to wait, where that is longer than a call should.
    pub(super) async fn take(
        &self,
        owner: &str,
        method: &Method,
        route: &str,
    ) -> Result<OwnedSemaphorePermit, Duration> {
        let permit = Arc::clone(&self.at_once).acquire_owned().await.expect("the semaphore is never closed");
        let mut waited = Duration::ZERO;
        loop {
            let now = Instant::now();
            let Some(wait) = self.spend(owner, method, route, now) else { return Ok(permit) };
            if waited + wait > PATIENCE {
                return Err(wait);
            }
            tokio::time::sleep(wait).await;
            waited += wait;
        }
    }

    /// Counts a call, or tells how long it has to wait.
    fn spend(&self, owner: &str, method: &Method, route: &str, now: Instant) -> Option<Duration> {
        let mut all = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        let spent = all.entry(owner.to_owned()).or_default();
        while spent.points.front().is_some_and(|(at, _)| now.duration_since(*at) >= MINUTE) {
            spent.points.pop_front();
        }
        while spent.content.front().is_some_and(|at| now.duration_since(*at) >= HOUR) {
            spent.content.pop_front();
        }
        let cost = if *method == Method::GET { 1 } else { 5 };
        let sum: usize = spent.points.iter().map(|(_, points)| points).sum();
        let mut wait = None;
        if sum + cost > self.budget.points {
            wait = spent.points.front().map(|(at, _)| MINUTE.saturating_sub(now.duration_since(*at)));
        }
        let creates = creates_content(method, route);
        if creates {
            let in_minute = spent.content.iter().rev().take_while(|at| now.duration_since(**at) < MINUTE).count();
            let nth = |back: usize| spent.content.len().checked_sub(back).and_then(|at| spent.content.get(at));
            if in_minute >= self.budget.content {
                let free = nth(self.budget.content).map(|at| MINUTE.saturating_sub(now.duration_since(*at)));
                wait = wait.max(free);
            }
            if spent.content.len() >= self.budget.content_hourly {
                let free = nth(self.budget.content_hourly).map(|at| HOUR.saturating_sub(now.duration_since(*at)));
                wait = wait.max(free);
            }
        }
        if wait.is_none() {
            spent.points.push_back((now, cost));
            if creates {
                spent.content.push_back(now);
            }
        }
        wait.map(|wait| wait.max(Duration::from_millis(1)))
    }
}

/// Tells whether a call makes something that people see.
fn creates_content(method: &Method, route: &str) -> bool {
    let unseen = ["/git/blobs", "/git/trees", "/git/commits", "/access_tokens"];
    *method != Method::GET && !unseen.iter().any(|end| route.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_owner_has_its_own_budget_and_waits_until_there_is_room() {
        let budgets = Budgets::new(Budget { at_once: 1, points: 30, content: 2, content_hourly: 3 });
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let wait = |owner: &str, method: Method, route: &str, seconds: u64| {
            budgets.spend(owner, &method, route, at(seconds)).map(|wait| wait.as_secs())
        };
        assert_eq!(wait("acme", Method::POST, "/repos/a/b/pulls", 0), None);
        assert_eq!(wait("acme", Method::PATCH, "/repos/a/b/pulls/1", 10), None);
        assert_eq!(wait("acme", Method::POST, "/repos/a/b/pulls", 11), Some(49), "two a minute");
        assert_eq!(wait("acme", Method::POST, "/repos/a/b/git/blobs", 11), None, "nobody sees it");
        assert_eq!(wait("other", Method::POST, "/repos/a/b/pulls", 11), None, "another installation");
        assert_eq!(wait("acme", Method::POST, "/repos/a/b/pulls", 61), None);
        assert_eq!(wait("acme", Method::POST, "/repos/a/b/pulls", 130), Some(3600 - 130), "three an hour");
        assert!((0..30).all(|_| wait("acme", Method::GET, "/x", 200).is_none()));
        assert_eq!(wait("acme", Method::GET, "/x", 201), Some(59), "thirty points a minute");
        assert_eq!(wait("acme", Method::GET, "/x", 260), None);
    }
}
