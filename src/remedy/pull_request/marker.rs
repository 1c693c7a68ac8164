//! The hidden line of a pull request's body by which sourceward knows its own work again, without any memory.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::model::{fingerprint::Fingerprint, hex::hex};

/// How the line begins; foreign text never holds the beginning of an HTML comment.
const START: &str = "<!-- sourceward:";

/// How it ends.
const END: &str = " -->";

/// The version that is written and understood.
const VERSION: u32 = 1;

/// What a pull request stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    /// The case.
    pub case: Fingerprint,
    /// How often the wanted value has changed, from 1.
    pub revision: u32,
    /// The digest of the wanted change: equal where the same fields get the same values, wherever they are written.
    pub digest: Digest,
    /// The digest of title and body as sourceward wrote them: another one means that a person edited them.
    pub text: Digest,
    /// The digest of the change that would take this one back: what still runs until a merge is deployed.
    pub undo: Option<Digest>,
    /// Why sourceward closed it, in one word; absent where it did not, or opened it again.
    pub closed: Option<String>,
    /// The report that it came from; absent where its findings were remembered instead.
    pub origin: Option<Origin>,
}

/// Of which report a pull request is, for whoever remembers nothing and has only the next one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Which report: the next one of the same scope may say that it is over.
    pub scope: Tag,
    /// The troubles that it mends, each with what the sender looked at to find it.
    pub mends: BTreeMap<Tag, Tag>,
}

/// The first half of a SHA-256 digest, in 32 hexadecimal digits: names something in a marker, where no foreign word may
/// stand.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Tag(String);

/// A SHA-256 digest in 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest(String);

#[derive(Serialize, Deserialize)]
struct Raw {
    version: u32,
    case: String,
    revision: u32,
    digest: String,
    text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    undo: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    closed: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<Origin>,
}

impl Tag {
    /// The tag of a text.
    pub fn of(text: &str) -> Self {
        Self(Digest::of(text.as_bytes()).0[..32].to_owned())
    }
}

impl TryFrom<String> for Tag {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let digits = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        digits.then_some(Self(text)).ok_or("expected 32 hexadecimal digits")
    }
}

impl Digest {
    /// The digest of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(hex(&Sha256::digest(bytes)))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        Fingerprint::parse(text).map(|digits| Self(digits.to_string()))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// The line of the body.
impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let raw = Raw {
            version: VERSION,
            case: self.case.to_string(),
            revision: self.revision,
            digest: self.digest.0.clone(),
            text: self.text.0.clone(),
            undo: self.undo.as_ref().map(|undo| undo.0.clone()),
            closed: self.closed.clone(),
            origin: self.origin.clone(),
        };
        write!(f, "{START}{}{END}", serde_json::to_string(&raw).expect("strings and numbers are JSON"))
    }
}

/// Reads the marker of a body: the one line that is one. A body with several, or with one of another version, has none.
pub fn marker(body: &str) -> Option<Marker> {
    let mut lines = body.lines().filter(|line| line.contains(START));
    let (line, None) = (lines.next()?, lines.next()) else { return None };
    let raw: Raw = serde_json::from_str(line.trim_end().strip_prefix(START)?.strip_suffix(END)?).ok()?;
    (raw.version == VERSION && raw.revision > 0).then_some(())?;
    Some(Marker {
        case: Fingerprint::parse(&raw.case)?,
        revision: raw.revision,
        digest: Digest::parse(&raw.digest)?,
        text: Digest::parse(&raw.text)?,
        undo: raw.undo.as_deref().and_then(Digest::parse),
        closed: raw.closed,
        origin: raw.origin,
    })
}

/// The same body with another marker in the place of its own.
pub fn remarked(body: &str, marker: &Marker) -> String {
    let lines = body.lines().map(|line| if line.contains(START) { marker.to_string() } else { line.to_owned() });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

/// A body without its marker, line breaks and blank ends made equal: browsers send `\r\n`.
pub fn unmarked(body: &str) -> String {
    let lines: Vec<&str> = body.lines().filter(|line| !line.contains(START)).map(str::trim_end).collect();
    lines.join("\n").trim_end().to_owned()
}
