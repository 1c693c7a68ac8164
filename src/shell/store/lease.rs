//! Who works on which repository, for how long, and what came of it.

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

use super::{
    StoreError,
    accept::{self, Arrival},
    case::{Case, CaseId, Decision, Proposal, PullRequest, Standing, State},
    index::Key as CaseKey,
    onboarding,
    overview::{self, Overview},
    read,
    request::{self, Request},
    upkeep,
    writer::Session,
};
use crate::{
    model::{
        finding::Finding,
        fingerprint::Fingerprint,
        refusal::{Code, Refusal},
        repository::{BranchName, RepoSlug},
    },
    remedy::{confidential, lifecycle::turn},
};

/// How often a case is tried before it is given up.
pub const TRIES: i64 = 12;

/// How long an open pull request rests before it is held against the source again, without any event that says so.
pub const LOOK_AGAIN: i64 = 6 * 60 * 60 * 1000;

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
    /// Cases of the repository whose pull request is open and which are not to be done now, the oldest first.
    pub beside: Vec<Case>,
    /// How many further cases of the repository are recorded only, as it has not answered the introduction.
    pub recorded: usize,
    /// What people asked for on the forge, oldest first.
    pub requests: Vec<Request>,
    /// What is open and was opened, as the limits count it.
    pub standing: turn::Standing,
    /// The repository's number on the forge and its present name, as far as they are known.
    pub forge: Known,
    /// All that the dashboard shows, where it is due to be written or people may have ticked its boxes.
    pub overview: Option<Overview>,
}

/// What is known of a repository on the forge.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Its number there, which survives renaming.
    pub id: Option<u64>,
    /// Its present name, where it is not the one of the configuration.
    pub named: Option<RepoSlug>,
    /// The number of its dashboard.
    pub dashboard: Option<u64>,
    /// The number of the pull request that introduced us.
    pub onboarding: Option<u64>,
    /// Whether nothing more is to be done about that.
    pub onboarded: bool,
}

/// All that a job says at its end.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Conclusion {
    /// What became of the cases.
    pub transitions: Vec<Transition>,
    /// What is to be remembered of their pull requests.
    pub proposals: Vec<(CaseId, Proposal)>,
    /// What people decided about them; `None` takes a decision back.
    pub decisions: Vec<(CaseId, Option<Decision>)>,
    /// Open cases that people want taken up, whether or not they are part of the claim, and what they decided; `None` takes a
    /// decision back.
    pub wakes: Vec<(Fingerprint, Option<Decision>)>,
    /// Held cases that people want taken up, by the reason that they were held for.
    pub releases: Vec<(String, Decision)>,
    /// How many pull requests were opened.
    pub opened: usize,
    /// The requests that are done; the others are tried again.
    pub done: Vec<i64>,
    /// What was learned about the repository.
    pub learned: Known,
    /// Why the repository is not to be worked on any more.
    pub away: Option<String>,
    /// When the dashboard is to be written next (unix milliseconds); absent to leave that as it is.
    pub dashboard: Dashboard,
}

/// When the dashboard is written next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dashboard {
    /// As it was.
    #[default]
    AsItWas,
    /// At this time (unix milliseconds), unless it is due before.
    By(i64),
    /// It was written: when there is something new.
    Written,
    /// It cannot be written now, and is at this time (unix milliseconds).
    NotBefore(i64),
}

impl From<Vec<Transition>> for Conclusion {
    fn from(transitions: Vec<Transition>) -> Self {
        Self { transitions, ..Self::default() }
    }
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
    /// Nothing is opened for it now, and it is looked at again at a time (unix milliseconds).
    Held {
        /// When.
        until: i64,
        /// Why, for people.
        reason: String,
    },
    /// A person wants to hear no more of it.
    Ignored {
        /// Until when (unix milliseconds); absent for good.
        until: Option<i64>,
        /// Who, for people.
        reason: String,
    },
    /// Its edits belong into the pull request of another case: both are worked on together next.
    Joins {
        /// The other case, which has an open pull request.
        with: CaseId,
        /// The branch of that.
        branch: BranchName,
    },
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
    conclusion: &Conclusion,
    now: i64,
) -> rusqlite::Result<Result<(), StoreError>> {
    let transitions = &conclusion.transitions;
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
    conclude(session.connection(), repository, conclusion, now)?;
    give_back(session.connection(), repository)?;
    if transitions.iter().any(|one| is_secret(&one.outcome)) {
        session.forget();
    }
    Ok(Ok(()))
}

/// Writes what a job says beside the outcomes of its cases.
fn conclude(connection: &Connection, repository: i64, said: &Conclusion, now: i64) -> rusqlite::Result<()> {
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
         WHERE id = ?1 AND state IN ('waiting', 'refused', 'dead', 'held', 'ignored')",
        [case.0, now],
    )?;
    if changed == 1 && found.state == State::Ignored {
        connection.execute("DELETE FROM decision WHERE case_id = ?1", [case.0])?;
    }
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
