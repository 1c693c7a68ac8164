//! Repositories that have not answered the introduction yet: what is only recorded there, and what sets it free.

use rusqlite::{Connection, params};
use serde_json::Value;

use super::{overview, writer::Session};
use crate::{model::repository::RepoSlug, remedy::onboarding::Recorded};

/// The recorded cases that are shown to every visit, the oldest first.
const SHOWN: i64 = 100;

/// Has every repository looked at soon that has not answered, whether or not anything is reported there.
pub(super) fn introduce(session: &mut Session, slugs: &[RepoSlug], now: i64) -> rusqlite::Result<()> {
    for slug in slugs {
        let repository = session.repository(slug)?;
        let asked: bool = session
            .connection()
            .prepare_cached("SELECT onboarded FROM repository WHERE id = ?1")?
            .query_one([repository], |row| row.get(0))?;
        if !asked {
            overview::want(session.connection(), repository, now)?;
        }
    }
    Ok(())
}

/// Has a repository looked at that was introduced to us and has not answered: it may have now.
pub(super) fn look(connection: &Connection, repository: i64, now: i64) -> rusqlite::Result<()> {
    let waits: bool = connection
        .prepare_cached("SELECT onboarded = 0 AND onboarding IS NOT NULL FROM repository WHERE id = ?1")?
        .query_one([repository], |row| row.get(0))?;
    if waits { overview::want(connection, repository, now) } else { Ok(()) }
}

/// Cases that are recorded only: each visit sees them, for the report.
pub(super) fn recorded(connection: &Connection, repository: i64) -> rusqlite::Result<Vec<i64>> {
    let [pending, declined] = reasons();
    connection
        .prepare_cached(
            "SELECT id FROM finding_case WHERE repository = ?1 AND state = 'held' AND reason IN (?2, ?3) \
             AND crashes = 0 ORDER BY id LIMIT ?4",
        )?
        .query_map(params![repository, pending, declined, SHOWN], |row| row.get(0))?
        .collect()
}

/// How many cases are recorded only and not part of a claim.
pub(super) fn count(connection: &Connection, repository: i64) -> rusqlite::Result<usize> {
    let [pending, declined] = reasons();
    let count: i64 = connection
        .prepare_cached(
            "SELECT COUNT(*) FROM finding_case WHERE repository = ?1 AND state = 'held' AND reason IN (?2, ?3)",
        )?
        .query_one(params![repository, pending, declined], |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// Takes up what was recorded only.
pub(super) fn release(connection: &Connection, repository: i64, now: i64) -> rusqlite::Result<()> {
    let [pending, declined] = reasons();
    connection
        .prepare_cached(
            "UPDATE finding_case SET state = 'ready', due_at = ?2, attempts = 0, reason = NULL \
             WHERE repository = ?1 AND state = 'held' AND reason IN (?3, ?4)",
        )?
        .execute(params![repository, now, pending, declined])?;
    Ok(())
}

/// The reasons as the database writes them.
fn reasons() -> [String; 2] {
    Recorded::ALL.map(|recorded| Value::from(recorded.as_str()).to_string())
}
