//! Who works on which repository, for how long, and what came of it.

pub(super) mod claim;
mod conclude;
mod settle;

use rusqlite::{Connection, OptionalExtension, params};

use conclude::conclude;
use settle::{is_secret, sender, settle, working};

use super::{
    StoreError,
    accept::{self, Arrival},
    case::{Case, CaseId, Decision, Proposal, PullRequest, State},
    index::Key as CaseKey,
    overview::Overview,
    read,
    request::Request,
    suspicion::Suspected,
    writer::Session,
};
use crate::{
    model::{
        fingerprint::Fingerprint,
        refusal::Refusal,
        repository::{BranchName, RepoSlug},
    },
    remedy::lifecycle::turn,
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
    /// What detectors' reports turned out to be about, and what they hold.
    pub suspected: Vec<Suspected>,
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

fn fenced(key: &Key) -> StoreError {
    StoreError::Fenced(key.slug.to_string())
}
