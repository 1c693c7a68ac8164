//! What becomes of a case once a job, or the end of one, has said how it went.

use rusqlite::{Connection, params};
use serde_json::Value;

use super::{Outcome, TRIES};
use crate::{
    model::{
        finding::Finding,
        refusal::{Code, Refusal},
    },
    remedy::confidential,
    shell::store::{case::State, read, upkeep},
};

/// A case that is part of a claim.
pub(super) struct Working {
    pub(super) id: i64,
    pub(super) subject: [u8; 16],
    pub(super) identity: [u8; 16],
    attempts: i64,
    /// Whether a newer revision than the claimed one has come.
    revised: bool,
}

pub(super) fn working(connection: &Connection, repository: i64) -> rusqlite::Result<Vec<Working>> {
    connection
        .prepare_cached(
            "SELECT id, subject, identity, attempts, revision <> claimed_revision FROM finding_case \
             WHERE repository = ?1 AND state = 'working'",
        )?
        .query_map([repository], |row| {
            Ok(Working {
                id: row.get(0)?,
                subject: row.get(1)?,
                identity: row.get(2)?,
                attempts: row.get(3)?,
                revised: row.get(4)?,
            })
        })?
        .collect()
}

/// Who reported a case.
pub(super) fn sender(connection: &Connection, case: i64) -> rusqlite::Result<String> {
    connection.prepare_cached("SELECT sender FROM finding_case WHERE id = ?1")?.query_one([case], |row| row.get(0))
}

/// Writes an outcome and tells where the case stands now. What was decided about an older revision is remembered as far
/// as it is a fact (the pull request), but the case stays in the queue for the newer one.
pub(super) fn settle(connection: &Connection, case: &Working, outcome: &Outcome, now: i64) -> rusqlite::Result<State> {
    if let Outcome::Proposed(pull_request) = outcome {
        connection
            .prepare_cached("UPDATE finding_case SET pull_number = ?2, pull_url = ?3 WHERE id = ?1")?
            .execute(params![case.id, i64::try_from(pull_request.number).unwrap_or(i64::MAX), pull_request.url])?;
    }
    if let (Outcome::Resolved(_) | Outcome::Split { .. }, true) = (outcome, case.revised) {
        // What was open for it is closed; the newer revision begins without.
        connection
            .prepare_cached("UPDATE finding_case SET pull_number = NULL, pull_url = NULL WHERE id = ?1")?
            .execute([case.id])?;
    }
    if let Outcome::Joins { with, .. } = outcome {
        connection
            .prepare_cached(
                "UPDATE finding_case SET state = 'ready', due_at = ?2 WHERE id = ?1 AND state = 'proposed'",
            )?
            .execute([with.0, now])?;
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO proposal (case_id, repository, standing, branch, lead, edits) \
                 SELECT ?1, repository, standing, branch, lead, '[]' FROM proposal WHERE case_id = ?2",
            )?
            .execute([case.id, with.0])?;
    }
    if is_secret(outcome) && !case.revised {
        forget_values(connection, case.id)?;
    }
    let shown = |reason: &str| Some(Value::from(reason).to_string());
    let (state, due, attempts, crashes, reason) = match outcome {
        Outcome::Retry(reason) | Outcome::Crashed(reason) => {
            let crashed = i64::from(matches!(outcome, Outcome::Crashed(_)));
            if case.attempts >= TRIES {
                let reason = format!("given up after {TRIES} tries: {reason}");
                (State::Dead, None, case.attempts, crashed, shown(&reason))
            } else {
                let due = now.saturating_add(upkeep::pause(case.attempts));
                (State::Waiting, Some(due), case.attempts, crashed, shown(reason))
            }
        }
        Outcome::Later { at, reason } => (State::Waiting, Some((*at).max(now)), case.attempts - 1, 0, shown(reason)),
        Outcome::Ignored { until, reason } => (State::Ignored, *until, 0, 0, shown(reason)),
        Outcome::Joins { .. } => (State::Ready, Some(now), case.attempts - 1, 0, None),
        _ if case.revised => (State::Ready, Some(now), 0, 0, None),
        Outcome::Held { until, reason } => (State::Held, Some((*until).max(now)), 0, 0, shown(reason)),
        Outcome::Proposed(_) => (State::Proposed, None, 0, 0, None),
        Outcome::Resolved(note) | Outcome::Split { note, .. } => (State::Resolved, None, 0, 0, shown(note)),
        Outcome::Dead(reason) => (State::Dead, None, case.attempts, 0, shown(reason)),
        Outcome::Refused(refusal) => {
            let reason = serde_json::to_string(refusal).expect("a refusal is JSON");
            (State::Refused, None, 0, 0, Some(reason))
        }
    };
    // A case that was finished properly has shown that it ends no process.
    let finished = matches!(
        outcome,
        Outcome::Proposed(_)
            | Outcome::Refused(_)
            | Outcome::Resolved(_)
            | Outcome::Held { .. }
            | Outcome::Ignored { .. }
            | Outcome::Joins { .. }
            | Outcome::Split { .. }
    );
    connection
        .prepare_cached(
            "UPDATE finding_case SET state = ?2, due_at = ?3, attempts = ?4, reason = ?5, \
             crashes = CASE WHEN ?6 THEN 0 ELSE crashes + ?7 END, claimed_revision = NULL, updated_at = ?8 \
             WHERE id = ?1",
        )?
        .execute(params![case.id, state.as_str(), due, attempts, reason, finished, crashes, now])?;
    Ok(state)
}

pub(super) fn is_secret(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Refused(Refusal { code: Code::Secret, .. }))
}

/// Removes the values of a finding of which the source has told that they are secret.
fn forget_values(connection: &Connection, case: i64) -> rusqlite::Result<()> {
    let stored: String = connection
        .prepare_cached("SELECT finding FROM finding_case WHERE id = ?1")?
        .query_one([case], |row| row.get(0))?;
    let finding: Finding = serde_json::from_str(&stored).map_err(|error| read::unreadable(0, error))?;
    let kept = serde_json::to_string(&confidential::wholly_withheld(finding)).expect("a finding is JSON");
    connection.prepare_cached("UPDATE finding_case SET finding = ?2 WHERE id = ?1")?.execute(params![case, kept])?;
    Ok(())
}
