//! What a job says beside the outcomes of its cases: proposals, decisions, and what it learned of the repository.

use rusqlite::{Connection, params};
use serde_json::Value;

use super::{Conclusion, Dashboard, Known, LOOK_AGAIN};
use crate::shell::store::{
    case::{Decision, Proposal, Standing},
    onboarding, overview, request, suspicion,
};

/// Writes what a job says beside the outcomes of its cases.
pub(super) fn conclude(connection: &Connection, repository: i64, said: &Conclusion, now: i64) -> rusqlite::Result<()> {
    for (case, proposal) in &said.proposals {
        remember(connection, repository, case.0, proposal, now)?;
    }
    for (case, decision) in &said.decisions {
        decide(connection, case.0, decision.as_ref())?;
    }
    for (fingerprint, decision) in &said.wakes {
        let cases: Vec<i64> = connection
            .prepare_cached(
                "SELECT id FROM finding_case WHERE repository = ?1 AND fingerprint = ?2 AND state <> 'resolved'",
            )?
            .query_map(params![repository, fingerprint.as_str()], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for case in cases {
            decide(connection, case, decision.as_ref())?;
            wake(connection, case, now)?;
        }
    }
    for (reason, decision) in &said.releases {
        let held: Vec<i64> = connection
            .prepare_cached("SELECT id FROM finding_case WHERE repository = ?1 AND state = 'held' AND reason = ?2")?
            .query_map(params![repository, Value::from(reason.as_str()).to_string()], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for case in held {
            decide(connection, case, Some(decision))?;
            wake(connection, case, now)?;
        }
    }
    suspicion::conclude(connection, repository, &said.suspected, now)?;
    for _ in 0..said.opened {
        connection
            .prepare_cached("INSERT INTO opening (repository, at) VALUES (?1, ?2)")?
            .execute([repository, now])?;
    }
    request::settle(connection, repository, &said.done, now)?;
    let Known { id, named, dashboard, onboarding, onboarded } = &said.learned;
    let number = |number: &Option<u64>| number.map(|number| i64::try_from(number).unwrap_or(i64::MAX));
    connection
        .prepare_cached(
            "UPDATE repository SET forge_id = COALESCE(?2, forge_id), named = COALESCE(?3, named), \
             dashboard = COALESCE(?4, dashboard), away = COALESCE(?5, away), onboarding = COALESCE(?6, onboarding), \
             onboarded = MAX(?7, onboarded) WHERE id = ?1",
        )?
        .execute(params![
            repository,
            number(id),
            named.as_ref().map(ToString::to_string),
            number(dashboard),
            said.away,
            number(onboarding),
            onboarded
        ])?;
    if *onboarded {
        onboarding::release(connection, repository, now)?;
    }
    match said.dashboard {
        Dashboard::AsItWas => {}
        Dashboard::By(at) => overview::want(connection, repository, at)?,
        Dashboard::NotBefore(at) => {
            connection
                .prepare_cached("UPDATE repository SET dashboard_due = ?2 WHERE id = ?1")?
                .execute([repository, at])?;
        }
        Dashboard::Written => {
            // What became due while it was written is written next time.
            connection
                .prepare_cached("UPDATE repository SET dashboard_due = NULL WHERE id = ?1 AND dashboard_due <= ?2")?
                .execute([repository, now])?;
        }
    }
    Ok(())
}

fn decide(connection: &Connection, case: i64, decision: Option<&Decision>) -> rusqlite::Result<()> {
    match decision {
        Some(decision) => connection
            .prepare_cached("INSERT OR REPLACE INTO decision (case_id, decision) VALUES (?1, ?2)")?
            .execute(params![case, serde_json::to_string(decision).expect("a decision is JSON")])?,
        None => connection.prepare_cached("DELETE FROM decision WHERE case_id = ?1")?.execute([case])?,
    };
    Ok(())
}

fn wake(connection: &Connection, case: i64, now: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE finding_case SET state = 'ready', due_at = ?2, attempts = 0 WHERE id = ?1 AND state <> 'resolved'",
        )?
        .execute([case, now])?;
    Ok(())
}

fn remember(
    connection: &Connection,
    repository: i64,
    case: i64,
    proposal: &Proposal,
    now: i64,
) -> rusqlite::Result<()> {
    let Proposal { standing, branch, lead, edits, change } = proposal;
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO proposal (case_id, repository, standing, branch, lead, edits, change) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            case,
            repository,
            standing.as_str(),
            branch.as_str(),
            lead.as_str(),
            serde_json::to_string(edits).expect("texts are JSON"),
            change,
        ])?;
    if *standing == Standing::Open {
        connection
            .prepare_cached("UPDATE finding_case SET due_at = ?2 WHERE id = ?1 AND state = 'proposed'")?
            .execute([case, now.saturating_add(LOOK_AGAIN)])?;
    }
    Ok(())
}
