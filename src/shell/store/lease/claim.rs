//! Which repository is worked on next, and with which of its cases.

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

use super::{CLAIM_BYTES, CLAIM_CASES, Claim, Known, Next, void};
use crate::{
    model::repository::RepoSlug,
    remedy::lifecycle::turn,
    shell::store::{case::CaseId, onboarding, overview, read, request, writer::Session},
};

/// See [`super::super::Store::claim_repository`].
pub(in crate::shell::store) fn claim(
    session: &mut Session,
    worker: &str,
    lease: i64,
    now: i64,
) -> rusqlite::Result<Next> {
    let connection = session.connection();
    let expired: Vec<i64> = connection
        .prepare_cached("SELECT id FROM repository WHERE lease_until <= ?1")?
        .query_map([now], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for repository in expired {
        void(connection, repository, "the lease ran out while it was worked on", now)?;
    }

    let oldest = connection
        .prepare_cached(
            "SELECT id, slug, token, due FROM (SELECT id, slug, token, (SELECT MIN(at) FROM (\
               SELECT MIN(due_at) AS at FROM finding_case WHERE repository = r.id AND due_at IS NOT NULL \
               UNION ALL SELECT MIN(due_at) FROM request WHERE repository = r.id \
               UNION ALL SELECT r.dashboard_due)) AS due \
             FROM repository r WHERE lease_until IS NULL AND away IS NULL) \
             WHERE due IS NOT NULL ORDER BY due, id LIMIT 1",
        )?
        .query_one([], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?, row.get::<_, i64>(3)?))
        })
        .optional()?;
    let (repository, slug, token) = match oldest {
        Some((id, slug, token, due)) if due <= now => (id, slug, token + 1),
        waiting => {
            let expires: Option<i64> = connection
                .prepare_cached("SELECT MIN(lease_until) FROM repository")?
                .query_one([], |row| row.get(0))?;
            let due = waiting.map(|(_, _, _, due)| due);
            return Ok(Next::Idle { due_at: due.into_iter().chain(expires).min() });
        }
    };

    let Due { ids, alone } = due_cases(connection, repository, now)?;
    let lease_until = now.saturating_add(lease);
    connection
        .prepare_cached("UPDATE repository SET token = ?2, lease_until = ?3, owner = ?4 WHERE id = ?1")?
        .execute(params![repository, token, lease_until, worker])?;
    let mut cases = Vec::with_capacity(ids.len());
    for id in ids {
        connection
            .prepare_cached(
                "UPDATE finding_case SET state = 'working', due_at = NULL, attempts = attempts + 1, \
                 claimed_revision = revision, updated_at = ?2 WHERE id = ?1",
            )?
            .execute([id, now])?;
        match read::case(connection, CaseId(id)) {
            Ok(case) => cases.extend(case),
            // A row that this version cannot read must not stop the others.
            Err(error @ rusqlite::Error::FromSqlConversionFailure(..)) => bury(connection, id, &error)?,
            Err(error) => return Err(error),
        }
    }
    let slug: RepoSlug = slug.parse().map_err(|error| read::unreadable(1, error))?;
    let beside = read::cases_of(
        connection,
        "SELECT case_id FROM proposal JOIN finding_case f ON f.id = case_id \
         WHERE proposal.repository = ?1 AND standing = 'open' AND f.state = 'proposed' ORDER BY case_id LIMIT 500",
        [repository],
    )?;
    // What people ask for may need cases that a lone one goes without.
    let requests = if alone { Vec::new() } else { request::due(connection, repository, now)? };
    let claim = Claim {
        token,
        lease_until,
        cases,
        beside,
        standing: standing(connection, repository, &slug, now)?,
        recorded: onboarding::count(connection, repository)?,
        forge: known(connection, repository)?,
        overview: overview::due(connection, repository, !requests.is_empty(), now)?,
        requests,
        repository: slug,
    };
    Ok(Next::Claim(Box::new(claim)))
}

/// What the limits of pull requests count.
fn standing(connection: &Connection, repository: i64, slug: &RepoSlug, now: i64) -> rusqlite::Result<turn::Standing> {
    let since = now - turn::HOUR;
    let open: i64 = connection
        .prepare_cached(
            "SELECT COUNT(DISTINCT pull_number) FROM proposal JOIN finding_case f ON f.id = case_id \
             WHERE proposal.repository = ?1 AND standing IN ('open', 'theirs') AND f.state <> 'resolved'",
        )?
        .query_one([repository], |row| row.get(0))?;
    let times = |query: &str, params: &[&dyn rusqlite::ToSql]| -> rusqlite::Result<Vec<i64>> {
        connection.prepare_cached(query)?.query_map(params, |row| row.get(0))?.collect()
    };
    // An installation is of one owner.
    let owner = format!("{}/", slug.owner());
    Ok(turn::Standing {
        open: usize::try_from(open).unwrap_or(usize::MAX),
        opened: times("SELECT at FROM opening WHERE repository = ?1 AND at > ?2", &[&repository, &since])?,
        opened_of_all: times(
            "SELECT at FROM opening JOIN repository r ON r.id = repository \
             WHERE at > ?2 AND substr(r.slug, 1, length(?1)) = ?1",
            &[&owner, &since],
        )?,
    })
}

fn known(connection: &Connection, repository: i64) -> rusqlite::Result<Known> {
    connection
        .prepare_cached("SELECT forge_id, named, dashboard, onboarding, onboarded FROM repository WHERE id = ?1")?
        .query_one([repository], |row| {
            let named: Option<String> = row.get(1)?;
            Ok(Known {
                id: row.get::<_, Option<i64>>(0)?.map(i64::unsigned_abs),
                named: named.map(|text| text.parse()).transpose().map_err(|error| read::unreadable(1, error))?,
                dashboard: row.get::<_, Option<i64>>(2)?.map(i64::unsigned_abs),
                onboarding: row.get::<_, Option<i64>>(3)?.map(i64::unsigned_abs),
                onboarded: row.get(4)?,
            })
        })
}

fn bury(connection: &Connection, case: i64, error: &rusqlite::Error) -> rusqlite::Result<()> {
    let reason = Value::from(format!("the stored finding cannot be read: {error}")).to_string();
    connection.execute("UPDATE finding_case SET state = 'dead', reason = ?2 WHERE id = ?1", params![case, reason])?;
    Ok(())
}

/// The cases of a claim.
struct Due {
    ids: Vec<i64>,
    /// Whether it is one that has ended a process.
    alone: bool,
}

/// The due cases of a repository: the oldest alone if it has ended a process, else all that have not, and with them those
/// that share a branch with one of them or that somebody has just asked for.
fn due_cases(connection: &Connection, repository: i64, now: i64) -> rusqlite::Result<Due> {
    let mut statement = connection.prepare_cached(
        "SELECT id, crashes, octet_length(finding) FROM finding_case \
         WHERE repository = ?1 AND due_at <= ?2 ORDER BY due_at, id",
    )?;
    let mut rows = statement.query([repository, now])?;
    let (mut ids, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let (id, crashes, size): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        match (crashes > 0, ids.is_empty()) {
            (true, true) => return Ok(Due { ids: vec![id], alone: true }),
            (true, false) => continue,
            (false, _) => {}
        }
        bytes += size;
        ids.push(id);
        if ids.len() == CLAIM_CASES || bytes >= CLAIM_BYTES {
            break;
        }
    }
    let mut companions = request::needed(connection, repository, now)?;
    companions.extend(onboarding::recorded(connection, repository)?);
    for id in ids.iter().chain(&companions.clone()) {
        let sharing: Vec<i64> = connection
            .prepare_cached(
                "SELECT other.case_id FROM proposal one JOIN proposal other \
                   ON other.repository = one.repository AND other.branch = one.branch \
                 JOIN finding_case f ON f.id = other.case_id \
                 WHERE one.case_id = ?1 AND f.state = 'proposed' AND f.crashes = 0 LIMIT 100",
            )?
            .query_map([id], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        companions.extend(sharing);
    }
    for id in companions {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(Due { ids, alone: false })
}
