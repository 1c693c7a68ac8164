//! A case: one trouble from its first report to its end.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use crate::model::{
    finding::Finding,
    fingerprint::Fingerprint,
    repository::{BranchName, RepoSlug},
};

/// The number of a case, unique in its data folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CaseId(pub i64);

macro_rules! states {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)+) => {
        /// Where a case stands.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum State {
            $($(#[$doc])* #[serde(rename = $text)] $name,)+
        }

        impl State {
            /// Every state.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The state as the database and answers write it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }
        }
    };
}

states! {
    /// To be worked on.
    Ready = "ready",
    /// To be worked on at a later time, after a failure or a rate limit.
    Waiting = "waiting",
    /// Part of a claim.
    Working = "working",
    /// Judged, and deliberately not acted on: the reason is a refusal. Another revision is judged anew.
    Refused = "refused",
    /// It has a pull request, which is open or which people closed, merged or took over.
    Proposed = "proposed",
    /// Set aside without a pull request, because many of its kind came at once: a person can have it opened, and it is looked
    /// at again by itself.
    Held = "held",
    /// A person wants to hear no more of it, until a time or for good.
    Ignored = "ignored",
    /// Over: the same trouble later is another case.
    Resolved = "resolved",
    /// Given up after too many failures; a person can have it tried again.
    Dead = "dead",
}

/// The pull request of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequest {
    /// Its number in the repository.
    pub number: u64,
    /// Where people see it.
    pub url: String,
}

macro_rules! standings {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)+) => {
        /// What became of a pull request, as it was last seen.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Standing {
            $($(#[$doc])* #[serde(rename = $text)] $name,)+
        }

        impl Standing {
            /// The word as the database writes it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }

            pub(super) fn parse(text: &str) -> Option<Self> {
                [$(Self::$name,)+].into_iter().find(|one| one.as_str() == text)
            }
        }
    };
}

standings! {
    /// It is open and ours to update and to close.
    Open = "open",
    /// It is open and a person's: they pushed to it, or took our marker out.
    Theirs = "theirs",
    /// A person closed it: the value is not proposed again.
    Muted = "muted",
    /// It was merged, or stands for what was merged.
    Merged = "merged",
}

/// What is remembered of a case's pull request beside its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Proposal {
    /// What became of it.
    pub standing: Standing,
    /// Its branch, which several cases may share.
    pub branch: BranchName,
    /// The case or group that the branch is named after.
    #[serde(serialize_with = "as_text")]
    pub lead: Fingerprint,
    /// The places that its edits change, as `file:line`.
    pub edits: Vec<String>,
    /// The digest of what the case alone changes: another one is a wish that nobody has turned down yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
}

/// What a person decided about a case; it outlives the judgement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What they decided.
    pub kind: Decided,
    /// Until when (unix milliseconds); absent for good, or until the value changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
    /// Their login.
    pub by: String,
    /// The digest of the change that it was decided about; another change lets the decision lapse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
}

/// What can be decided about a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decided {
    /// To hear no more of it.
    Ignore,
    /// That the source is right and what runs is not, as long as the value is this.
    SourceIsRight,
    /// That it is opened although many of its kind came, or others wait longer.
    OpenAnyway,
    /// That it is proposed although they or somebody else had closed it.
    TakeUp,
}

/// A case as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Case {
    /// Its number.
    pub id: CaseId,
    /// The repository that declares the resource; absent if none of this server's does.
    pub repository: Option<RepoSlug>,
    /// What makes further reports the same case.
    #[serde(serialize_with = "as_text")]
    pub fingerprint: Fingerprint,
    /// Who reported it first.
    pub sender: String,
    /// Where it stands.
    pub state: State,
    /// When it is due (ready or waiting), in unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<i64>,
    /// The refusal, or why it waits, died or is resolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Value>,
    /// Counts the reports that said something new, from 1.
    pub revision: i64,
    /// Counts all reports.
    pub reports: i64,
    /// Tries since the last outcome, counted when they begin.
    pub attempts: i64,
    /// Its pull request, if there ever was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pull_request: Option<PullRequest>,
    /// What is remembered of its pull request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proposal: Option<Proposal>,
    /// What a person decided about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// When it was first reported, in unix milliseconds.
    pub created_at: i64,
    /// When it last changed, in unix milliseconds.
    pub updated_at: i64,
    /// When it was last reported, in unix milliseconds.
    pub reported_at: i64,
    /// The newest revision of the finding.
    pub finding: Finding,
}

/// Writes a fingerprint as its digits.
pub(super) fn as_text<S: Serializer>(fingerprint: &Fingerprint, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(fingerprint)
}

impl fmt::Display for CaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for CaseId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for State {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().find(|state| state.as_str() == text);
        found.copied().ok_or_else(|| format!("{text:?} is no state of a case"))
    }
}
