//! Who works on which repository, for how long, and what came of it.

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

use super::{
    StoreError,
    accept::{self, Arrival},
    case::{Case, CaseId, PullRequest, State},
    index::Key as CaseKey,
    read, upkeep,
    writer::Session,
};
use crate::{
    model::{
        finding::Finding,
        refusal::{Code, Refusal},
        repository::RepoSlug,
    },
    remedy::confidential,
};

/// How often a case is tried before it is given up.
pub const TRIES: i64 = 12;

/// The most cases of one claim, and about the most bytes of their findings.
const CLAIM_CASES: usize = 500;
const CLAIM_BYTES: i64 = 16 << 20;

/// The right to work on a repository until the lease runs out.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// The repository.
    pub repository: RepoSlug,
    /// The fencing token: larger than that of every earlier claim of the repository.
    pub token: i64,
    /// When the lease runs out unless it is extended, in unix milliseconds.
    pub lease_until: i64,
    /// What is to be done, oldest first.
    pub cases: Vec<Case>,
}

/// What there is to claim.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// This.
    Claim(Box<Claim>),
    /// Nothing now; `due_at` (unix milliseconds) is when that may change by itself.
    Idle {
        /// When the next case is due or the next lease runs out.
        due_at: Option<i64>,
    },
}

/// What became of a case.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition {
    /// The case, one of the claim's.
    pub case: CaseId,
    /// What became of it.
    pub outcome: Outcome,
}

/// How the work on a case ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// A pull request is there with what the case needs, or it is left to the people who closed it or took it over.
    Proposed(PullRequest),
    /// Nothing will be done, for a reason that a person can read.
    Refused(Refusal),
    /// The trouble is over, or never was; the note says which. Its pull request, if any, is left to people.
    Resolved(String),
    /// It was about many things at once: each becomes a case of its own, and this one is over. The note says how many.
    Split {
        /// What became of it, for people.
        note: String,
        /// The findings.
        arrivals: Vec<Arrival>,
    },
    /// It failed in a way that may pass: tried again after a pause that grows, at most [`TRIES`] times.
    Retry(String),
    /// The job panicked: as a retry, but from now on the case is tried alone, so that it harms no other.
    Crashed(String),
    /// Not now: tried again at a time (unix milliseconds) that a rate limit gave, which is no failure.
    Later {
        /// When.
        at: i64,
        /// What is waited for.
        reason: String,
    },
    /// It failed in a way that cannot pass.
    Dead(String),
}

/// A claim's identity.
#[derive(Clone, Debug)]
pub(super) struct Key {
    slug: RepoSlug,
    token: i64,
}

impl Claim {
    pub(super) fn key(&self) -> Key {
        Key { slug: self.repository.clone(), token: self.token }
    }
}

/// See [`super::Store::claim_repository`].
pub(super) fn claim(session: &mut Session, worker: &str, lease: i64, now: i64) -> rusqlite::Result<Next> {
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
            "SELECT id, slug, token, due FROM (SELECT id, slug, token, \
               (SELECT MIN(due_at) FROM finding_case WHERE repository = r.id AND due_at IS NOT NULL) AS due \
             FROM repository r WHERE lease_until IS NULL) WHERE due IS NOT NULL ORDER BY due, id LIMIT 1",
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

    let ids = due_cases(connection, repository, now)?;
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
    let repository = slug.parse().map_err(|error| read::unreadable(1, error))?;
    Ok(Next::Claim(Box::new(Claim { repository, token, lease_until, cases })))
}

fn bury(connection: &Connection, case: i64, error: &rusqlite::Error) -> rusqlite::Result<()> {
    let reason = Value::from(format!("the stored finding cannot be read: {error}")).to_string();
    connection.execute("UPDATE finding_case SET state = 'dead', reason = ?2 WHERE id = ?1", params![case, reason])?;
    Ok(())
}

/// The due cases of a repository: the oldest alone if it has ended a process, else all that have not.
fn due_cases(connection: &Connection, repository: i64, now: i64) -> rusqlite::Result<Vec<i64>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, crashes, octet_length(finding) FROM finding_case \
         WHERE repository = ?1 AND due_at <= ?2 ORDER BY due_at, id",
    )?;
    let mut rows = statement.query([repository, now])?;
    let (mut ids, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let (id, crashes, size): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        match (crashes > 0, ids.is_empty()) {
            (true, true) => return Ok(vec![id]),
            (true, false) => continue,
            (false, _) => {}
        }
        bytes += size;
        ids.push(id);
        if ids.len() == CLAIM_CASES || bytes >= CLAIM_BYTES {
            break;
        }
    }
    Ok(ids)
}

/// See [`super::Store::heartbeat`].
pub(super) fn heartbeat(
    session: &mut Session,
    key: &Key,
    lease: i64,
    now: i64,
) -> rusqlite::Result<Result<(), StoreError>> {
    let held = session
        .connection()
        .prepare_cached(
            "UPDATE repository SET lease_until = ?3 WHERE slug = ?1 AND token = ?2 AND lease_until IS NOT NULL",
        )?
        .execute(params![key.slug.to_string(), key.token, now.saturating_add(lease)])?;
    Ok(if held == 1 { Ok(()) } else { Err(fenced(key)) })
}

/// See [`super::Store::finish`].
pub(super) fn finish(
    session: &mut Session,
    key: &Key,
    transitions: &[Transition],
    now: i64,
) -> rusqlite::Result<Result<(), StoreError>> {
    let Some(repository) = held(session.connection(), key)? else { return Ok(Err(fenced(key))) };
    let claimed = working(session.connection(), repository)?;
    if let Some(stranger) = transitions.iter().find(|one| !claimed.iter().any(|case| case.id == one.case.0)) {
        return Ok(Err(StoreError::NotClaimed(stranger.case)));
    }
    let forgotten = Outcome::Retry("the job said nothing about this case".to_owned());
    for case in &claimed {
        let said = transitions.iter().rev().find(|one| one.case.0 == case.id);
        let state = settle(session.connection(), case, said.map_or(&forgotten, |said| &said.outcome), now)?;
        if let Some(Transition { outcome: Outcome::Split { arrivals, .. }, .. }) = said {
            let sender = sender(session.connection(), case.id)?;
            for arrival in arrivals {
                accept::open(session, &sender, arrival, now)?;
            }
        }
        if state == State::Resolved {
            let key = CaseKey { subject: case.subject, identity: case.identity, repository };
            session.open_cases().remove(&key);
        }
    }
    give_back(session.connection(), repository)?;
    if transitions.iter().any(|one| is_secret(&one.outcome)) {
        session.forget();
    }
    Ok(Ok(()))
}

/// See [`super::Store::release`].
pub(super) fn release(session: &mut Session, key: &Key, now: i64) -> rusqlite::Result<Result<(), StoreError>> {
    let connection = session.connection();
    let Some(repository) = held(connection, key)? else { return Ok(Err(fenced(key))) };
    connection
        .prepare_cached(
            "UPDATE finding_case SET state = 'ready', due_at = ?2, attempts = attempts - 1, updated_at = ?2 \
             WHERE repository = ?1 AND state = 'working'",
        )?
        .execute([repository, now])?;
    give_back(connection, repository)?;
    Ok(Ok(()))
}

/// See [`super::Store::retry`].
pub(super) fn retry(connection: &Connection, case: CaseId, now: i64) -> rusqlite::Result<Result<(), StoreError>> {
    let Some(found) = read::case(connection, case)? else { return Ok(Err(StoreError::NoSuchCase(case))) };
    if found.repository.is_none() {
        return Ok(Err(StoreError::Unrouted(case)));
    }
    let changed = connection.execute(
        "UPDATE finding_case SET state = 'ready', due_at = ?2, attempts = 0, reason = NULL, updated_at = ?2 \
         WHERE id = ?1 AND state IN ('waiting', 'refused', 'dead')",
        [case.0, now],
    )?;
    Ok(if changed == 1 { Ok(()) } else { Err(StoreError::NotRetriable(case, found.state)) })
}

/// Ends every lease: whoever held one was another process, and it is gone.
pub(super) fn void_all(session: &mut Session, now: i64) -> rusqlite::Result<()> {
    let connection = session.connection();
    let held: Vec<i64> = connection
        .prepare("SELECT id FROM repository WHERE lease_until IS NOT NULL")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    held.into_iter()
        .try_for_each(|repository| void(connection, repository, "the process ended while it was worked on", now))
}

/// Takes a lease away: its token writes nothing any more, and its cases have had a try that ended badly.
fn void(connection: &Connection, repository: i64, reason: &str, now: i64) -> rusqlite::Result<()> {
    for case in working(connection, repository)? {
        settle(connection, &case, &Outcome::Crashed(reason.to_owned()), now)?;
    }
    give_back(connection, repository)
}

fn give_back(connection: &Connection, repository: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE repository SET lease_until = NULL, owner = NULL, token = token + 1 WHERE id = ?1")?
        .execute([repository])?;
    Ok(())
}

fn held(connection: &Connection, key: &Key) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT id FROM repository WHERE slug = ?1 AND token = ?2 AND lease_until IS NOT NULL")?
        .query_one(params![key.slug.to_string(), key.token], |row| row.get(0))
        .optional()
}

/// A case that is part of a claim.
struct Working {
    id: i64,
    subject: [u8; 16],
    identity: [u8; 16],
    attempts: i64,
    /// Whether a newer revision than the claimed one has come.
    revised: bool,
}

fn working(connection: &Connection, repository: i64) -> rusqlite::Result<Vec<Working>> {
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
fn sender(connection: &Connection, case: i64) -> rusqlite::Result<String> {
    connection.prepare_cached("SELECT sender FROM finding_case WHERE id = ?1")?.query_one([case], |row| row.get(0))
}

/// Writes an outcome and tells where the case stands now. What was decided about an older revision is remembered as far
/// as it is a fact (the pull request), but the case stays in the queue for the newer one.
fn settle(connection: &Connection, case: &Working, outcome: &Outcome, now: i64) -> rusqlite::Result<State> {
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
        _ if case.revised => (State::Ready, Some(now), 0, 0, None),
        Outcome::Proposed(_) => (State::Proposed, None, 0, 0, None),
        Outcome::Resolved(note) | Outcome::Split { note, .. } => (State::Resolved, None, 0, 0, shown(note)),
        Outcome::Dead(reason) => (State::Dead, None, case.attempts, 0, shown(reason)),
        Outcome::Refused(refusal) => {
            let reason = serde_json::to_string(refusal).expect("a refusal is JSON");
            (State::Refused, None, 0, 0, Some(reason))
        }
    };
    // A case that was finished properly has shown that it ends no process.
    let finished =
        matches!(outcome, Outcome::Proposed(_) | Outcome::Refused(_) | Outcome::Resolved(_) | Outcome::Split { .. });
    connection
        .prepare_cached(
            "UPDATE finding_case SET state = ?2, due_at = ?3, attempts = ?4, reason = ?5, \
             crashes = CASE WHEN ?6 THEN 0 ELSE crashes + ?7 END, claimed_revision = NULL, updated_at = ?8 \
             WHERE id = ?1",
        )?
        .execute(params![case.id, state.as_str(), due, attempts, reason, finished, crashes, now])?;
    Ok(state)
}

fn is_secret(outcome: &Outcome) -> bool {
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

fn fenced(key: &Key) -> StoreError {
    StoreError::Fenced(key.slug.to_string())
}
