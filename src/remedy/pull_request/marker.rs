//! The hidden line of a pull request's body by which sourceward knows its own work again, without any memory.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::model::fingerprint::Fingerprint;

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
}

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
}

impl Digest {
    /// The digest of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect())
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
    })
}

/// A body without its marker, line breaks and blank ends made equal: browsers send `\r\n`.
pub fn unmarked(body: &str) -> String {
    let lines: Vec<&str> = body.lines().filter(|line| !line.contains(START)).map(str::trim_end).collect();
    lines.join("\n").trim_end().to_owned()
}
