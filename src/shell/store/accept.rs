//! Taking deliveries: what is new, what was said before.

use rusqlite::{Connection, params};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    case::{CaseId, State, as_text},
    deliveries::{self, Seen},
    index::{self, Key},
    suspicion,
    writer::Session,
};
use crate::{
    model::{
        finding::{Finding, State as Standing},
        fingerprint::Fingerprint,
        refusal::Refusal,
        repository::RepoSlug,
        resource::ResourceId,
    },
    remedy::policy::{self, Object},
};

/// How long a refused or dead case rests before a further report of the same has it tried again (the source may have
/// changed since).
pub const RECHECK: i64 = 24 * 60 * 60 * 1000;

/// How many deliveries that could not be mapped are kept.
pub const REJECTIONS: i64 = 1_000;

/// How many cases one report that all is well can end.
const RESOLVED_AT_ONCE: usize = 1_000;

/// One message of a sender.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The sender's name in the configuration.
    pub sender: String,
    /// The sender's own name for the message, unique for the sender.
    pub id: String,
    /// SHA-256 of the body.
    pub digest: [u8; 32],
    /// When it arrived, in unix milliseconds.
    pub received_at: i64,
}

/// A finding, ready to be stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrival {
    fingerprint: Fingerprint,
    /// The first 128 bits of the fingerprint.
    identity: [u8; 16],
    /// The same of the fingerprint without the fields.
    subject: [u8; 16],
    /// What it suspects if a detector sends it, and whether it does whoever sends it.
    suspicious: Option<(Object, bool)>,
    /// Whether the finding names fields, so that its identity is narrower than its subject.
    narrow: bool,
    /// SHA-256 of what a new revision would say differently.
    content: Vec<u8>,
    standing: Standing,
    repository: Option<RepoSlug>,
    /// Why there is no repository, as JSON.
    refusal: Option<String>,
    finding: String,
}

/// A delivery that could not be mapped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rejection {
    /// The sender's name in the configuration.
    pub sender: String,
    /// The sender's name for the message.
    pub delivery: String,
    /// When it arrived, in unix milliseconds.
    pub received_at: i64,
    /// Length of the body in bytes; the body itself is not kept.
    pub size: i64,
    /// What was expected where.
    pub reason: String,
}

/// What became of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// It was taken: one entry for each case that its findings touch, in their order.
    Accepted(Vec<Accepted>),
    /// The same message was taken before: nothing was repeated.
    Duplicate,
    /// Another message was taken under this id before: nothing was taken.
    Conflict,
}

/// What became of a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Accepted {
    /// Its case; absent for the end of a trouble that was not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<CaseId>,
    /// The identity of the trouble.
    #[serde(serialize_with = "as_text")]
    pub fingerprint: Fingerprint,
    /// What it meant for the case.
    pub status: Status,
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// What a finding meant for its case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The first report: a case was opened.
    New,
    /// The trouble looks different now: the case is judged anew.
    Revised,
    /// Nothing new: the report was counted.
    Repeat,
    /// Nothing new, but the case was refused or given up long enough ago to be tried again.
    Reopened,
    /// The trouble is over, and what was begun for it has to be ended.
    Resolving,
    /// The trouble is over, and nothing had been begun for it.
    Resolved,
    /// The end of a trouble that is not known here.
    NotOpen,
}

impl Status {
    /// The status as answers and metrics write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Revised => "revised",
            Self::Repeat => "repeat",
            Self::Reopened => "reopened",
            Self::Resolving => "resolving",
            Self::Resolved => "resolved",
            Self::NotOpen => "not-open",
        }
    }

    /// Tells whether there may be something to do for a worker now.
    pub fn is_work(self) -> bool {
        // What is over may have held another case.
        matches!(self, Self::New | Self::Revised | Self::Reopened | Self::Resolving | Self::Resolved)
    }
}

impl Arrival {
    /// Prepares a finding: its identity is taken as received, and only what `redact` leaves of it is stored.
    pub fn new(
        finding: Finding,
        repository: Result<RepoSlug, Refusal>,
        redact: impl FnOnce(Finding) -> Finding,
    ) -> Self {
        let (fingerprint, subject) = Fingerprint::of_both(&finding);
        let (identity, subject) = (head(&fingerprint), head(&subject));
        let narrow = finding.patch.is_some();
        let is_detected = policy::is_detected("", &finding);
        let suspicious = policy::is_suspicion(&finding).then(|| (Object::of(&finding.resource), is_detected));
        let stored = redact(finding);
        let (repository, refusal) = match repository {
            Ok(slug) => (Some(slug), None),
            Err(refusal) => (None, Some(text(&refusal))),
        };
        Self {
            fingerprint,
            identity,
            subject,
            suspicious,
            narrow,
            content: content(&stored),
            standing: stored.state,
            repository,
            refusal,
            finding: text(&stored),
        }
    }

    /// What it suspects, if this sender detects what happens or the finding says that it was detected.
    fn suspicious(&self, sender: &str) -> Option<&Object> {
        let (object, is_detected) = self.suspicious.as_ref()?;
        (*is_detected || policy::is_detector(sender)).then_some(object)
    }

    /// The identity of the trouble.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }
}

/// Writes a delivery and its findings.
pub(super) fn accept(session: &mut Session, delivery: &Delivery, arrivals: &[Arrival]) -> rusqlite::Result<Acceptance> {
    match deliveries::take(session, delivery)? {
        Seen::Never => {}
        Seen::Same => return Ok(Acceptance::Duplicate),
        Seen::Other => return Ok(Acceptance::Conflict),
    }
    let Delivery { sender, received_at, .. } = delivery;
    let mut accepted = Vec::with_capacity(arrivals.len());
    for arrival in arrivals {
        match arrival.standing {
            Standing::Open => {
                let taken = open(session, sender, arrival, *received_at)?;
                if let (Some(case), Some(object)) = (taken.id, arrival.suspicious(sender)) {
                    let repository = row_of(session, arrival)?;
                    suspicion::about(session.connection(), repository, case, object)?;
                }
                accepted.push(taken);
            }
            Standing::Resolved => resolve(session, arrival, *received_at, &mut accepted)?,
        }
    }
    Ok(Acceptance::Accepted(accepted))
}

/// Writes a rejection and forgets the oldest ones.
pub(super) fn reject(session: &mut Session, rejection: &Rejection) -> rusqlite::Result<()> {
    let Rejection { sender, delivery, received_at, size, reason } = rejection;
    let id = session
        .connection()
        .prepare_cached(
            "INSERT INTO rejection (sender, delivery, received_at, size, reason) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .insert(params![sender, delivery, received_at, size, reason])?;
    session.connection().prepare_cached("DELETE FROM rejection WHERE id <= ?1")?.execute([id - REJECTIONS])?;
    Ok(())
}

struct Known {
    id: i64,
    state: String,
    content: Vec<u8>,
    updated_at: i64,
    attempts: i64,
    has_pull_request: bool,
    fingerprint: String,
}

/// What is known of an open case.
fn known(connection: &Connection, case: i64) -> rusqlite::Result<Known> {
    connection
        .prepare_cached(
            "SELECT state, content, updated_at, attempts, pull_number IS NOT NULL, fingerprint \
             FROM finding_case WHERE id = ?1",
        )?
        .query_one([case], |row| {
            Ok(Known {
                id: case,
                state: row.get(0)?,
                content: row.get(1)?,
                updated_at: row.get(2)?,
                attempts: row.get(3)?,
                has_pull_request: row.get(4)?,
                fingerprint: row.get(5)?,
            })
        })
}

/// A report that the trouble stands.
pub(super) fn open(session: &mut Session, sender: &str, arrival: &Arrival, now: i64) -> rusqlite::Result<Accepted> {
    let repository = row_of(session, arrival)?;
    let accepted = |id, status| Accepted { id: Some(CaseId(id)), fingerprint: arrival.fingerprint.clone(), status };
    let key = Key { subject: arrival.subject, identity: arrival.identity, repository };
    let routed = arrival.repository.is_some();
    let Some(case) = session.open_cases().get(&key) else {
        let (state, due) = if routed { (State::Ready, Some(now)) } else { (State::Refused, None) };
        let id = session
            .connection()
            .prepare_cached(
                "INSERT INTO finding_case (repository, subject, fingerprint, state, due_at, content, sender, \
                 created_at, updated_at, reported_at, reason, finding, identity) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?8, ?9, ?10, ?11)",
            )?
            .insert(params![
                repository,
                arrival.subject,
                arrival.fingerprint.as_str(),
                state.as_str(),
                due,
                arrival.content,
                sender,
                now,
                arrival.refusal,
                arrival.finding,
                arrival.identity,
            ])?;
        session.open_cases().insert(key, id);
        return Ok(accepted(id, Status::New));
    };
    let case = known(session.connection(), case)?;
    if case.content != arrival.content {
        revise(session, &case, arrival, now)?;
        return Ok(accepted(case.id, Status::Revised));
    }
    let rested = now.saturating_sub(case.updated_at) >= RECHECK;
    if routed && rested && matches!(case.state.as_str(), "refused" | "dead") {
        session
            .connection()
            .prepare_cached(
                "UPDATE finding_case SET state = 'ready', due_at = ?2, attempts = 0, reason = NULL, finding = ?3, \
                 reports = reports + 1, reported_at = ?2, updated_at = ?2 WHERE id = ?1",
            )?
            .execute(params![case.id, now, arrival.finding])?;
        return Ok(accepted(case.id, Status::Reopened));
    }
    count(session, case.id, now)?;
    Ok(accepted(case.id, Status::Repeat))
}

/// A report that the trouble is over: of these fields, or of the whole resource if it names none.
fn resolve(session: &mut Session, arrival: &Arrival, now: i64, accepted: &mut Vec<Accepted>) -> rusqlite::Result<()> {
    let before = accepted.len();
    let repository = arrival.repository.is_some().then(|| row_of(session, arrival)).transpose()?;
    let meant = |key: &Key| {
        (!arrival.narrow || key.identity == arrival.identity) && repository.is_none_or(|row| row == key.repository)
    };
    let about = index::about(session.open_cases(), arrival.subject).filter(|(key, _)| meant(key));
    let mut cases: Vec<(Key, i64)> = about.map(|(key, id)| (*key, id)).collect();
    cases.sort_unstable_by_key(|(_, id)| *id);
    for (key, id) in cases.into_iter().take(RESOLVED_AT_ONCE) {
        let case = known(session.connection(), id)?;
        let untouched = !case.has_pull_request
            && (matches!(case.state.as_str(), "refused" | "held" | "ignored")
                || case.state == "ready" && case.attempts == 0);
        let status = if case.content == arrival.content {
            count(session, case.id, now)?;
            Status::Repeat
        } else if untouched {
            session
                .connection()
                .prepare_cached(
                    "UPDATE finding_case SET state = 'resolved', due_at = NULL, reason = ?3, reports = reports + 1, \
                     reported_at = ?2, updated_at = ?2 WHERE id = ?1",
                )?
                .execute(params![case.id, now, r#""the sender reported that it is over""#])?;
            session.open_cases().remove(&key);
            Status::Resolved
        } else {
            revise(session, &case, arrival, now)?;
            Status::Resolving
        };
        let fingerprint = Fingerprint::parse(&case.fingerprint).unwrap_or_else(|| arrival.fingerprint.clone());
        accepted.push(Accepted { id: Some(CaseId(case.id)), fingerprint, status });
    }
    if accepted.len() == before {
        accepted.push(Accepted { id: None, fingerprint: arrival.fingerprint.clone(), status: Status::NotOpen });
    }
    Ok(())
}

/// Makes the arrival the newest revision of an open case.
///
/// What is being worked on stays so: `finish` sees the new revision and makes the case ready. What waits keeps waiting: a
/// sender whose values flap must not get around the back-off. What a person ignores stays ignored. Everything else is ready
/// at once.
fn revise(session: &Session, case: &Known, arrival: &Arrival, now: i64) -> rusqlite::Result<()> {
    let unrouted = arrival.refusal.is_some() && arrival.standing == Standing::Open;
    session
        .connection()
        .prepare_cached(
            "UPDATE finding_case SET \
               due_at = CASE WHEN state IN ('working', 'waiting', 'ready', 'ignored') OR ?6 THEN due_at ELSE ?2 END, \
               attempts = CASE WHEN state IN ('working', 'waiting', 'ready', 'ignored') THEN attempts ELSE 0 END, \
               reason = CASE WHEN state IN ('working', 'waiting', 'ready', 'ignored') THEN reason ELSE ?5 END, \
               state = CASE WHEN state IN ('working', 'waiting', 'ready', 'ignored') OR ?6 THEN state ELSE 'ready' END, \
               revision = revision + 1, content = ?3, finding = ?4, \
               reports = reports + 1, reported_at = ?2, updated_at = ?2 \
             WHERE id = ?1",
        )?
        .execute(params![case.id, now, arrival.content, arrival.finding, arrival.refusal, unrouted])?;
    Ok(())
}

fn count(session: &Session, case: i64, now: i64) -> rusqlite::Result<()> {
    session
        .connection()
        .prepare_cached("UPDATE finding_case SET reports = reports + 1, reported_at = ?2 WHERE id = ?1")?
        .execute([case, now])?;
    Ok(())
}

fn row_of(session: &mut Session, arrival: &Arrival) -> rusqlite::Result<i64> {
    match &arrival.repository {
        Some(slug) => session.repository(slug),
        None => Ok(0),
    }
}

/// The first 128 bits of a fingerprint.
fn head(fingerprint: &Fingerprint) -> [u8; 16] {
    let digits = u128::from_str_radix(&fingerprint.as_str()[..32], 16);
    digits.expect("a fingerprint is 64 hexadecimal digits").to_be_bytes()
}

/// What makes a report say something new. Ids, times and the sender's prose do not, nor what an API server counts up by
/// itself in a live object.
fn content(finding: &Finding) -> Vec<u8> {
    let mut live = finding.live.clone();
    if let (ResourceId::Kubernetes(_), Some(Value::Object(object))) = (&finding.resource, &mut live) {
        object.remove("status");
        if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
            for counted in ["resourceVersion", "managedFields", "generation"] {
                metadata.remove(counted);
            }
        }
    }
    let params = finding.rule.as_ref().map(|rule| &rule.params);
    let mut said = json!([finding.state, finding.patch, live, params, finding.actor, finding.hints]);
    said.sort_all_objects();
    Sha256::digest(text(&said)).to_vec()
}

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("values with text keys are JSON")
}
