//! All open cases of a repository in few words: what its dashboard shows.

use rusqlite::{Connection, params};

use super::{
    case::{Case, State},
    read,
};

/// The most cases of a kind that are read with all they say.
const SHOWN: i64 = 200;

/// What a dashboard shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overview {
    /// How many cases there are of each state that it shows.
    pub counts: Vec<(State, usize)>,
    /// The oldest of each but the held ones, at most 200.
    pub cases: Vec<Case>,
    /// The reasons for which cases are held, and how many.
    pub held: Vec<(String, usize)>,
    /// Whether the dashboard is to be written.
    pub is_due: bool,
}

/// The states that a dashboard shows.
const STATES: [State; 5] = [State::Proposed, State::Waiting, State::Refused, State::Ignored, State::Dead];

/// Has the dashboard of a repository written at a time, unless it is due before.
pub(super) fn want(connection: &Connection, repository: i64, at: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE repository SET dashboard_due = MIN(COALESCE(dashboard_due, ?2), ?2) WHERE id = ?1")?
        .execute([repository, at])?;
    Ok(())
}

/// What the dashboard of a repository shows, where it is due or asked for.
pub(super) fn due(
    connection: &Connection,
    repository: i64,
    asked: bool,
    now: i64,
) -> rusqlite::Result<Option<Overview>> {
    let due: bool = connection
        .prepare_cached("SELECT COALESCE(dashboard_due <= ?2, 0) FROM repository WHERE id = ?1")?
        .query_one([repository, now], |row| row.get(0))?;
    if !due && !asked {
        return Ok(None);
    }
    let mut overview = Overview { is_due: due, ..Overview::default() };
    let held: Vec<(Option<String>, i64)> = connection
        .prepare_cached(
            "SELECT reason, COUNT(*) FROM finding_case WHERE repository = ?1 AND state = 'held' GROUP BY reason \
             ORDER BY MIN(id) LIMIT ?2",
        )?
        .query_map([repository, SHOWN], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (reason, count) in held {
        let words = reason.and_then(|text| serde_json::from_str::<String>(&text).ok()).unwrap_or_default();
        overview.held.push((words, usize::try_from(count).unwrap_or(usize::MAX)));
    }
    for state in STATES {
        let count: i64 = connection
            .prepare_cached("SELECT COUNT(*) FROM finding_case WHERE repository = ?1 AND state = ?2")?
            .query_one(params![repository, state.as_str()], |row| row.get(0))?;
        overview.counts.push((state, usize::try_from(count).unwrap_or(usize::MAX)));
        overview.cases.extend(read::cases_of(
            connection,
            "SELECT id FROM finding_case WHERE repository = ?1 AND state = ?2 ORDER BY id LIMIT ?3",
            params![repository, state.as_str(), SHOWN],
        )?);
    }
    Ok(Some(overview))
}
