//! Asks GitHub for the events that it could not deliver: it repeats none by itself, and forgets them after some days.
//!
//! Each is asked for once, over restarts too. One that fails again has a reason that repeating does not mend, and one that
//! came although GitHub believes it lost is not asked for at all.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::time::sleep;

use super::App;
use crate::shell::forge::{Error, GitHub};

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(300);

/// How far back the first look goes: GitHub keeps deliveries for three days.
const KEPT: Duration = Duration::from_secs(3 * 86_400);

/// How far back the others go beyond the look before: a delivery is listed only once it has failed.
const OVERLAP: Duration = Duration::from_secs(900);

/// The most deliveries that one look asks for.
const AT_ONCE: usize = 100;

/// Looks at once, and then every five minutes.
pub(super) async fn sweep(app: Arc<App>, github: GitHub) {
    let mut since = SystemTime::now() - KEPT;
    loop {
        let began = SystemTime::now();
        let mut rest = EVERY;
        match look(&app, &github, since).await {
            Ok(true) => since = began - OVERLAP,
            Ok(false) => {}
            Err(Error::RateLimited { until }) => {
                rest = rest.max(until.duration_since(began).unwrap_or_default());
                tracing::info!("GitHub wants no calls for now: lost events are looked for later");
            }
            Err(error) => tracing::warn!(%error, "lost events cannot be looked for"),
        }
        sleep(rest).await;
    }
}

/// Asks for what was lost since a time; tells whether nothing is left to be asked for.
async fn look(app: &App, github: &GitHub, since: SystemTime) -> Result<bool, Error> {
    let (tries, mut whole) = github.deliveries(since).await?;
    let arrived: BTreeSet<&str> = tries.iter().filter(|one| one.arrived).map(|one| one.id.as_str()).collect();
    // The first try of each, the oldest deliveries first.
    let mut lost: BTreeMap<&str, (SystemTime, u64)> = BTreeMap::new();
    for one in tries.iter().filter(|one| !arrived.contains(one.id.as_str())) {
        lost.insert(&one.id, (one.at, one.number));
    }
    let mut ids: Vec<&str> = lost.keys().copied().collect();
    ids.sort_by_key(|id| lost[id]);
    let ids: Vec<String> = ids.into_iter().map(str::to_owned).collect();
    let asked = match app.store.ask_again(ids, AT_ONCE, (app.clock)()).answer().await {
        Ok(asked) => asked,
        Err(error) => {
            tracing::warn!(%error, "lost events cannot be asked for");
            return Ok(false);
        }
    };
    whole &= asked.len() < AT_ONCE;
    let mut asked = asked.into_iter();
    while let Some(id) = asked.next() {
        match github.deliver_again(lost[id.as_str()].1).await {
            Ok(()) => {
                app.metrics.redeliveries.inc();
                tracing::info!(delivery = id, "a lost event was asked for again");
            }
            Err(error @ Error::RateLimited { .. }) => {
                // Nothing was sent: they are asked for when there is room.
                for id in std::iter::once(id).chain(asked) {
                    if let Err(error) = app.store.not_asked(id).answer().await {
                        tracing::warn!(%error, "a lost event counts as asked for, and is not");
                    }
                }
                return Err(error);
            }
            // It may have been heard all the same; what was lost once more shows nothing wrong in the end: open pull requests
            // are held against the source by the clock.
            Err(error) => tracing::warn!(delivery = id, %error, "a lost event could not be asked for again"),
        }
    }
    Ok(whole)
}
