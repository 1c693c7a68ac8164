//! Reading what is stored, beside the writer and without disturbing it.

use std::{collections::BTreeMap, path::Path};

use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params, types::Type};

use super::{
    StoreError,
    accept::Rejection,
    case::{Case, CaseId, Proposal, PullRequest, Standing, State},
    schema,
};
use crate::model::fingerprint::Fingerprint;

/// A connection that only reads. A server may be writing at the same time, in this process or another one.
pub struct Reader(Connection);

/// Which cases to list.
#[derive(Clone, Copy, Debug)]
pub struct Filter {
    /// Only those in this state.
    pub state: Option<State>,
    /// Only those with a smaller number, to read on where the last list ended.
    pub before: Option<CaseId>,
    /// At most this many.
    pub limit: usize,
}

/// How many cases there are, for metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    /// By state; states without a case are zero.
    pub cases: BTreeMap<State, i64>,
    /// When the case that has been due longest became so, in unix milliseconds.
    pub oldest_due: Option<i64>,
}

const COLUMNS: &str = "c.id, r.slug, c.fingerprint, c.sender, c.state, c.due_at, c.reason, c.revision, c.reports, \
                       c.attempts, c.pull_number, c.pull_url, c.created_at, c.updated_at, c.reported_at, c.finding, \
                       p.standing, p.branch, p.lead, p.edits, p.change, d.decision";

const TABLES: &str = "finding_case c LEFT JOIN repository r ON r.id = c.repository \
                      LEFT JOIN proposal p ON p.case_id = c.id LEFT JOIN decision d ON d.case_id = c.id";

impl Reader {
    pub(super) fn connection(&self) -> &Connection {
        &self.0
    }

    /// Opens a data folder to read; works whether or not a server runs.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        schema::open_existing(folder, OpenFlags::SQLITE_OPEN_READ_ONLY).map(Self)
    }

    /// Lists cases, the newest first.
    pub fn list(&self, filter: Filter) -> Result<Vec<Case>, StoreError> {
        let read = || -> rusqlite::Result<Vec<Case>> {
            self.0
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM {TABLES} \
                     WHERE (?1 IS NULL OR c.state = ?1) AND c.id < ?2 ORDER BY c.id DESC LIMIT ?3"
                ))?
                .query_map(
                    params![
                        filter.state.map(State::as_str),
                        filter.before.map_or(i64::MAX, |case| case.0),
                        i64::try_from(filter.limit).unwrap_or(i64::MAX)
                    ],
                    case_of,
                )?
                .collect()
        };
        read().map_err(failed)
    }

    /// One case.
    pub fn show(&self, case: CaseId) -> Result<Option<Case>, StoreError> {
        self::case(&self.0, case).map_err(failed)
    }

    /// The deliveries that could not be mapped, the newest first.
    pub fn rejections(&self, limit: usize) -> Result<Vec<Rejection>, StoreError> {
        let read = || -> rusqlite::Result<Vec<Rejection>> {
            self.0
                .prepare_cached(
                    "SELECT sender, delivery, received_at, size, reason FROM rejection ORDER BY id DESC LIMIT ?1",
                )?
                .query_map([i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
                    Ok(Rejection {
                        sender: row.get(0)?,
                        delivery: row.get(1)?,
                        received_at: row.get(2)?,
                        size: row.get(3)?,
                        reason: row.get(4)?,
                    })
                })?
                .collect()
        };
        read().map_err(failed)
    }

    /// Counts the cases.
    pub fn counts(&self) -> Result<Counts, StoreError> {
        let read = || -> rusqlite::Result<Counts> {
            let mut cases: BTreeMap<State, i64> = State::ALL.iter().map(|state| (*state, 0)).collect();
            let mut statement = self.0.prepare_cached("SELECT state, COUNT(*) FROM finding_case GROUP BY state")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                cases.insert(state(row, 0)?, row.get(1)?);
            }
            let oldest_due = self
                .0
                .prepare_cached("SELECT MIN(due_at) FROM finding_case WHERE due_at IS NOT NULL")?
                .query_one([], |row| row.get(0))?;
            Ok(Counts { cases, oldest_due })
        };
        read().map_err(failed)
    }
}

/// The cases whose numbers a query gives, through any connection.
pub(super) fn cases_of(
    connection: &Connection,
    numbers: &str,
    params: impl rusqlite::Params,
) -> rusqlite::Result<Vec<Case>> {
    let query = format!("SELECT {COLUMNS} FROM {TABLES} WHERE c.id IN ({numbers}) ORDER BY c.id");
    connection.prepare_cached(&query)?.query_map(params, case_of)?.collect()
}

/// One case, through any connection.
pub(super) fn case(connection: &Connection, id: CaseId) -> rusqlite::Result<Option<Case>> {
    connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM {TABLES} WHERE c.id = ?1"))?
        .query_one([id.0], case_of)
        .optional()
}

/// The error of a column whose text is not what it should be.
pub(super) fn unreadable(column: usize, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
}

fn case_of(row: &Row<'_>) -> rusqlite::Result<Case> {
    let slug: Option<String> = row.get(1)?;
    let fingerprint: String = row.get(2)?;
    let reason: Option<String> = row.get(6)?;
    let pull_request = match (row.get::<_, Option<i64>>(10)?, row.get(11)?) {
        (Some(number), Some(url)) => Some(PullRequest { number: number.unsigned_abs(), url }),
        _ => None,
    };
    let finding: String = row.get(15)?;
    let standing: Option<String> = row.get(16)?;
    let proposal = standing.map(|standing| proposal(row, &standing)).transpose()?;
    let decision: Option<String> = row.get(21)?;
    Ok(Case {
        id: CaseId(row.get(0)?),
        repository: slug.map(|slug| slug.parse()).transpose().map_err(|error| unreadable(1, error))?,
        fingerprint: Fingerprint::parse(&fingerprint)
            .ok_or_else(|| rusqlite::Error::InvalidColumnType(2, "fingerprint".to_owned(), Type::Text))?,
        sender: row.get(3)?,
        state: state(row, 4)?,
        due_at: row.get(5)?,
        reason: reason.map(|text| serde_json::from_str(&text)).transpose().map_err(|error| unreadable(6, error))?,
        revision: row.get(7)?,
        reports: row.get(8)?,
        attempts: row.get(9)?,
        pull_request,
        proposal,
        decision: decision
            .map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(|error| unreadable(21, error))?,
        created_at: row.get(12)?,
        updated_at: row.get(13)?,
        reported_at: row.get(14)?,
        finding: serde_json::from_str(&finding).map_err(|error| unreadable(15, error))?,
    })
}

fn proposal(row: &Row<'_>, standing: &str) -> rusqlite::Result<Proposal> {
    let wrong = |column: usize, name: &str| rusqlite::Error::InvalidColumnType(column, name.to_owned(), Type::Text);
    let (branch, lead, edits): (String, String, String) = (row.get(17)?, row.get(18)?, row.get(19)?);
    Ok(Proposal {
        standing: Standing::parse(standing).ok_or_else(|| wrong(16, "standing"))?,
        branch: branch.parse().map_err(|error| unreadable(17, error))?,
        lead: Fingerprint::parse(&lead).ok_or_else(|| wrong(18, "lead"))?,
        edits: serde_json::from_str(&edits).map_err(|error| unreadable(19, error))?,
        change: row.get(20)?,
    })
}

fn state(row: &Row<'_>, column: usize) -> rusqlite::Result<State> {
    let text: String = row.get(column)?;
    text.parse().map_err(|_| rusqlite::Error::InvalidColumnType(column, "state".to_owned(), Type::Text))
}

fn failed(error: rusqlite::Error) -> StoreError {
    StoreError::Failed(error.to_string())
}
