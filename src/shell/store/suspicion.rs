//! What detectors report, by the object that it is about: what holds a drift of that object, whichever of the two came first.
//!
//! A drift is looked up when it is judged, by one step into an index. A report that comes later finds what is proposed already
//! among the open pull requests of its claim. Which case is held because of which report is kept, so that the end of the one
//! brings back the other: the database itself does that, wherever a case ends.

use rusqlite::{Connection, OptionalExtension, params};

use super::{
    StoreError,
    case::{Case, CaseId},
    read::{self, Reader},
};
use crate::{model::repository::RepoSlug, remedy::policy::Object};

/// What a job says of suspicions.
#[derive(Clone, Debug, PartialEq)]
pub enum Suspected {
    /// The report of this case turned out to be about this object.
    About(CaseId, Object),
    /// The first case is held because of the report of the second.
    Held(CaseId, CaseId),
}

impl Reader {
    /// An open report of a detector about an object.
    pub fn suspicion(&self, repository: &RepoSlug, object: &Object) -> Result<Option<Case>, StoreError> {
        let read = || -> rusqlite::Result<Option<Case>> {
            let found: Option<i64> = self
                .connection()
                .prepare_cached(
                    "SELECT s.case_id FROM suspicion s JOIN finding_case f ON f.id = s.case_id \
                     WHERE s.repository = (SELECT id FROM repository WHERE slug = ?1) AND s.object = ?2 \
                       AND (s.namespace IS NULL OR ?3 IS NULL OR s.namespace = ?3) \
                       AND f.state NOT IN ('resolved', 'ignored') \
                       AND json_extract(f.finding, '$.state') IS NOT 'resolved' LIMIT 1",
                )?
                .query_one(params![repository.to_string(), object.name, object.namespace], |row| row.get(0))
                .optional()?;
            found.map_or(Ok(None), |case| read::case(self.connection(), CaseId(case)))
        };
        read().map_err(|error| StoreError::Failed(error.to_string()))
    }
}

/// Writes what a job says.
pub(super) fn conclude(
    connection: &Connection,
    repository: i64,
    suspected: &[Suspected],
    now: i64,
) -> rusqlite::Result<()> {
    for said in suspected {
        match said {
            Suspected::About(case, object) => about(connection, repository, *case, object)?,
            Suspected::Held(case, suspicion) => {
                connection
                    .prepare_cached("INSERT OR REPLACE INTO suspect (case_id, suspicion) VALUES (?1, ?2)")?
                    .execute([case.0, suspicion.0])?;
                // It may have ended while the job was on its way.
                connection
                    .prepare_cached(
                        "UPDATE finding_case SET state = 'ready', due_at = ?3, reason = NULL WHERE id = ?1 \
                         AND state = 'refused' AND NOT EXISTS (SELECT 1 FROM finding_case s WHERE s.id = ?2 \
                         AND s.state NOT IN ('resolved', 'ignored'))",
                    )?
                    .execute([case.0, suspicion.0, now])?;
            }
        }
    }
    Ok(())
}

/// Notes an object that the report of a case is about, as it was named or as it turned out to be.
pub(super) fn about(connection: &Connection, repository: i64, case: CaseId, object: &Object) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO suspicion (case_id, object, namespace, repository) \
             SELECT id, ?2, ?3, ?4 FROM finding_case WHERE id = ?1 AND state <> 'resolved'",
        )?
        .execute(params![case.0, object.name, object.namespace, repository])?;
    Ok(())
}

/// Ends a case as if its sender had said that it is over.
pub(super) fn resolve(connection: &Connection, case: CaseId, now: i64) -> rusqlite::Result<Result<(), StoreError>> {
    let Some(found) = read::case(connection, case)? else { return Ok(Err(StoreError::NoSuchCase(case))) };
    if found.repository.is_none() {
        return Ok(Err(StoreError::Unrouted(case)));
    }
    // What is worked on just now is worked on again; another report of the same is a new revision.
    let changed = connection.execute(
        "UPDATE finding_case SET due_at = CASE state WHEN 'working' THEN due_at ELSE ?2 END, \
           state = CASE state WHEN 'working' THEN state ELSE 'ready' END, attempts = 0, reason = NULL, updated_at = ?2, \
           revision = revision + 1, content = x'', finding = json_set(finding, '$.state', 'resolved') \
         WHERE id = ?1 AND state <> 'resolved'",
        [case.0, now],
    )?;
    if changed == 1 {
        connection.execute("DELETE FROM decision WHERE case_id = ?1", [case.0])?;
    }
    Ok(if changed == 1 { Ok(()) } else { Err(StoreError::Over(case)) })
}
