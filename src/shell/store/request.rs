//! What the forge tells and people ask there: which repository it is about, and what becomes of it.
//!
//! An event is taken like a delivery of findings: once, and durably before it is acknowledged. What it asks for is done
//! under the repository's claim, so that it never meets a job that is at work on the same pull request.

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

use super::{
    accept::{Acceptance, Delivery},
    deliveries::{self, Seen},
    index::Key,
    onboarding, overview,
    writer::Session,
};
use crate::model::repository::RepoSlug;

/// How often a request is tried.
const TRIES: i64 = 6;

/// Why nothing is done in a repository that is no more.
const GONE: &str = "the repository was deleted";

/// The most requests of one claim.
const CLAIM: i64 = 100;

/// Something that a person asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its number, unique in the data folder.
    pub id: i64,
    /// How often it was tried before.
    pub attempts: i64,
    /// What was asked, as whoever queued it wrote it.
    pub body: String,
}

/// A repository as the forge names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Its number on the forge, which survives renaming.
    pub id: u64,
    /// Its name now.
    pub slug: RepoSlug,
    /// Whether the server looks after a repository of this name.
    pub is_configured: bool,
}

/// What an event means for the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The source has changed: everything that depends on it is judged anew.
    JudgeAgain,
    /// The pull request of this number has changed: its cases are looked at again.
    LookAt(u64),
    /// A person asks for something; `wakes` is the number of the pull request whose cases are needed for the answer.
    Ask {
        /// What, for the job.
        body: String,
        /// The pull request.
        wakes: Option<u64>,
    },
    /// The repository is no more: its cases are over, and whatever has its name later is another one.
    Gone,
    /// The repository is taken away from us, for this reason: it is not worked on.
    Away(String),
    /// It is given to us (again).
    Back,
    /// It has this name from now on. The configuration may go on naming the old one.
    Renamed(RepoSlug),
}

/// Takes an event, once.
pub(super) fn take(
    session: &mut Session,
    delivery: &Delivery,
    effects: &[(About, Effect)],
) -> rusqlite::Result<Acceptance> {
    let now = delivery.received_at;
    if deliveries::take(session, delivery)? != Seen::Never {
        return Ok(Acceptance::Duplicate);
    }
    for (about, effect) in effects {
        let Some(repository) = row_of(session, about)? else {
            tracing::warn!(security = 2, repository = %about.slug, id = about.id, "an event of a repository that is not ours");
            continue;
        };
        match effect {
            Effect::Gone => forget(session, repository, now)?,
            effect => apply(session.connection(), repository, effect, now)?,
        }
    }
    Ok(Acceptance::Accepted(Vec::new()))
}

/// The row of a repository: by its number where that is known, else by its name. One that has only the name of another is
/// nobody's: it may belong to anyone.
fn row_of(session: &mut Session, about: &About) -> rusqlite::Result<Option<i64>> {
    let number = i64::try_from(about.id).unwrap_or(i64::MAX);
    let by_number = session
        .connection()
        .prepare_cached("SELECT id FROM repository WHERE forge_id = ?1")?
        .query_one([number], |row| row.get(0))
        .optional()?;
    if by_number.is_some() || !about.is_configured {
        return Ok(by_number);
    }
    let is_gone = session
        .connection()
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM gone WHERE forge_id = ?1)")?
        .query_one([number], |row| row.get(0))?;
    if is_gone {
        return Ok(None);
    }
    let row = session.repository(&about.slug)?;
    let adopted = session
        .connection()
        // What is away without a number is gone: this is its successor.
        .prepare_cached("UPDATE repository SET forge_id = ?2, away = NULL WHERE id = ?1 AND forge_id IS NULL")?
        .execute([row, number])?;
    Ok((adopted == 1).then_some(row))
}

/// Ends everything that was known of a repository which is no more. Who works on it has lost it, and writes nothing.
fn forget(session: &mut Session, repository: i64, now: i64) -> rusqlite::Result<()> {
    let open: Vec<Key> = session
        .connection()
        .prepare_cached("SELECT subject, identity FROM finding_case WHERE repository = ?1 AND state <> 'resolved'")?
        .query_map([repository], |row| Ok(Key { subject: row.get(0)?, identity: row.get(1)?, repository }))?
        .collect::<Result<_, _>>()?;
    for key in open {
        session.open_cases().remove(&key);
    }
    let connection = session.connection();
    connection
        .prepare_cached(
            "UPDATE finding_case SET state = 'resolved', due_at = NULL, claimed_revision = NULL, reason = ?2, updated_at = ?3 \
             WHERE repository = ?1 AND state <> 'resolved'",
        )?
        .execute(params![repository, Value::from(GONE).to_string(), now])?;
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO gone (forge_id, at) SELECT forge_id, ?2 FROM repository \
             WHERE id = ?1 AND forge_id IS NOT NULL",
        )?
        .execute([repository, now])?;
    connection.prepare_cached("DELETE FROM request WHERE repository = ?1")?.execute([repository])?;
    connection
        .prepare_cached(
            "UPDATE repository SET forge_id = NULL, named = NULL, dashboard = NULL, dashboard_due = NULL, \
             onboarding = NULL, onboarded = 0, away = ?2, lease_until = NULL, owner = NULL, token = token + 1 \
             WHERE id = ?1",
        )?
        .execute(params![repository, GONE])?;
    Ok(())
}

fn apply(connection: &Connection, repository: i64, effect: &Effect, now: i64) -> rusqlite::Result<()> {
    match effect {
        Effect::JudgeAgain => {
            connection
                .prepare_cached(
                    "UPDATE finding_case SET state = 'ready', due_at = ?2, attempts = 0 \
                     WHERE repository = ?1 AND state IN ('proposed', 'refused')",
                )?
                .execute([repository, now])?;
            onboarding::look(connection, repository, now)?;
        }
        Effect::LookAt(number) => {
            wake(connection, repository, *number, now)?;
            onboarding::look(connection, repository, now)?;
            // A place may be free for one that waits.
            connection
                .prepare_cached(
                    "UPDATE finding_case SET due_at = ?2 WHERE repository = ?1 AND state = 'waiting' AND attempts = 0 \
                     AND due_at > ?2",
                )?
                .execute([repository, now])?;
        }
        Effect::Ask { body, wakes } => {
            let number = wakes.map(|number| i64::try_from(number).unwrap_or(i64::MAX));
            connection
                .prepare_cached("INSERT INTO request (repository, pull_number, due_at, body) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![repository, number, now, body])?;
        }
        // It is forgotten as a whole.
        Effect::Gone => {}
        Effect::Away(why) => {
            connection
                .prepare_cached("UPDATE repository SET away = ?2 WHERE id = ?1")?
                .execute(params![repository, why])?;
        }
        Effect::Back => {
            connection.prepare_cached("UPDATE repository SET away = NULL WHERE id = ?1")?.execute([repository])?;
            overview::want(connection, repository, now)?;
        }
        Effect::Renamed(slug) => {
            connection
                .prepare_cached("UPDATE repository SET named = ?2 WHERE id = ?1")?
                .execute(params![repository, slug.to_string()])?;
        }
    }
    Ok(())
}

/// Has the cases of a pull request looked at. What is worked on is looked at again afterwards.
fn wake(connection: &Connection, repository: i64, number: u64, now: i64) -> rusqlite::Result<()> {
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    connection
        .prepare_cached(
            "UPDATE finding_case SET state = 'ready', due_at = ?3, attempts = 0 WHERE repository = ?1 AND pull_number = ?2 \
             AND state IN ('proposed', 'refused', 'waiting', 'dead')",
        )?
        .execute([repository, number, now])?;
    connection
        .prepare_cached(
            "UPDATE finding_case SET revision = revision + 1 WHERE repository = ?1 AND pull_number = ?2 \
             AND state = 'working'",
        )?
        .execute([repository, number])?;
    Ok(())
}

/// The cases that the due requests of a repository need: those of the pull requests that they are about.
pub(super) fn needed(connection: &Connection, repository: i64, now: i64) -> rusqlite::Result<Vec<i64>> {
    connection
        .prepare_cached(
            "SELECT DISTINCT f.id FROM request q JOIN finding_case f \
               ON f.repository = q.repository AND f.pull_number = q.pull_number \
             WHERE q.repository = ?1 AND q.due_at <= ?2 AND f.state NOT IN ('resolved', 'working') ORDER BY f.id",
        )?
        .query_map([repository, now], |row| row.get(0))?
        .collect()
}

/// The requests of a repository that are due, oldest first; each has one try less.
pub(super) fn due(connection: &Connection, repository: i64, now: i64) -> rusqlite::Result<Vec<Request>> {
    let requests: Vec<Request> = connection
        .prepare_cached(
            "SELECT id, attempts, body FROM request WHERE repository = ?1 AND due_at <= ?2 ORDER BY id LIMIT ?3",
        )?
        .query_map([repository, now, CLAIM], |row| {
            Ok(Request { id: row.get(0)?, attempts: row.get(1)?, body: row.get(2)? })
        })?
        .collect::<Result<_, _>>()?;
    for request in &requests {
        // Tried before it begins, so that one which ends the process is not tried for ever.
        let pause = super::upkeep::pause(request.attempts + 1).max(1);
        connection
            .prepare_cached("UPDATE request SET attempts = attempts + 1, due_at = ?2 WHERE id = ?1")?
            .execute([request.id, now + pause])?;
    }
    Ok(requests)
}

/// Forgets what is done, and what was tried often enough.
pub(super) fn settle(connection: &Connection, repository: i64, done: &[i64], now: i64) -> rusqlite::Result<()> {
    for id in done {
        connection.prepare_cached("DELETE FROM request WHERE id = ?1")?.execute([id])?;
    }
    let given_up = connection
        .prepare_cached("DELETE FROM request WHERE repository = ?1 AND attempts >= ?2 AND due_at > ?3")?
        .execute([repository, TRIES, now])?;
    if given_up > 0 {
        tracing::error!(given_up, "requests were tried often enough and are given up");
    }
    Ok(())
}
