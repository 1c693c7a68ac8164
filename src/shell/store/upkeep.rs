//! How long a failure rests, and what is forgotten when.

use super::{deliveries, writer::Session};

/// How long delivery ids are remembered: senders repeat for hours, GitHub lets people redeliver for three days.
const DELIVERIES: i64 = 7 * 24 * 60 * 60 * 1000;

/// How long resolved cases are kept to look at.
const RESOLVED: i64 = 90 * 24 * 60 * 60 * 1000;

/// The largest pause after the first failure, and the largest of all, in milliseconds.
const FIRST: i64 = 2_000;
const LONGEST: i64 = 15 * 60 * 1_000;

/// The pause after a number of failed tries, in milliseconds: exponential with full jitter, so that what failed together
/// does not come back together (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog 2015).
pub(super) fn pause(attempts: i64) -> i64 {
    let most = longest_pause(attempts);
    // Without randomness the pause is the longest one: late, but never wrong.
    getrandom::u32().map_or(most, |random| i64::from(random) % (most + 1))
}

fn longest_pause(attempts: i64) -> i64 {
    let doublings = attempts.clamp(1, 20) - 1;
    (FIRST << doublings).min(LONGEST)
}

/// Deletes what is old enough, at most `limit` of each kind.
pub(super) fn gc(session: &mut Session, limit: usize, now: i64) -> rusqlite::Result<usize> {
    let deliveries = deliveries::forget(session, now - DELIVERIES, limit)?;
    let connection = session.connection();
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let cases = connection
        .prepare_cached(
            "DELETE FROM finding_case WHERE id IN (SELECT id FROM finding_case \
             WHERE state = 'resolved' AND updated_at <= ?1 AND id < (SELECT MAX(id) FROM finding_case) \
             ORDER BY updated_at LIMIT ?2)",
        )?
        .execute([now - RESOLVED, limit])?;
    let openings = connection
        .prepare_cached("DELETE FROM opening WHERE at <= ?1")?
        .execute([now - crate::remedy::lifecycle::turn::HOUR])?;
    let redeliveries =
        connection.prepare_cached("DELETE FROM redelivery WHERE at <= ?1")?.execute([now - DELIVERIES])?;
    Ok(deliveries + cases + openings + redeliveries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_grows_from_two_seconds_to_a_quarter_of_an_hour() {
        let seconds: Vec<i64> = (0..=13).map(|tries| longest_pause(tries) / 1000).collect();
        assert_eq!(seconds, [2, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900]);
        assert_eq!(longest_pause(i64::MAX), LONGEST);
        let pauses: Vec<i64> = (0..50).map(|_| pause(5)).collect();
        assert!(pauses.iter().all(|pause| (0..=32_000).contains(pause)));
        assert!(pauses.iter().any(|pause| *pause != pauses[0]), "{pauses:?}");
    }
}
