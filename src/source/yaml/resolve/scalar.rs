//! One scalar: its type by its text, its style and its tag.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Number, Value};

use super::{Reader, Unresolvable, number, time};
use crate::source::yaml::tree::ScalarStyle;

/// A scalar as go-yaml's resolver types it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    /// Beyond `i64`.
    Unsigned(u64),
    Float(f64),
    /// A time, as Kustomize writes it; `None` where RFC 3339 cannot.
    Time(Option<String>),
    String(String),
}

/// Types an untagged plain scalar.
pub(super) fn plain(text: &str, reader: Reader) -> Scalar {
    match by_text(text, reader, true) {
        Scalar::Time(_) if reader != Reader::Kustomize => Scalar::String(text.to_owned()),
        scalar => scalar,
    }
}

/// Types a scalar with its style and tag.
pub(super) fn typed(text: &str, style: ScalarStyle, tag: Option<&str>, reader: Reader) -> Result<Scalar, Unresolvable> {
    let string = || Ok(Scalar::String(text.to_owned()));
    let Some(tag) = tag.filter(|tag| *tag != "!" || reader != Reader::Kustomize) else {
        return if style == ScalarStyle::Plain { Ok(plain(text, reader)) } else { string() };
    };
    let Some(short) = tag.strip_prefix("tag:yaml.org,2002:") else { return string() };
    match short {
        "binary" => binary(text),
        "bool" | "int" | "float" | "null" | "timestamp" => match (short, by_text(text, reader, short == "timestamp")) {
            ("null", Scalar::Null) => Ok(Scalar::Null),
            ("bool", scalar @ Scalar::Bool(_))
            | ("int", scalar @ (Scalar::Int(_) | Scalar::Unsigned(_)))
            | ("float", scalar @ Scalar::Float(_)) => Ok(scalar),
            ("float", Scalar::Int(int)) => Ok(Scalar::Float(int as f64)),
            ("timestamp", Scalar::Time(_)) if reader != Reader::Kustomize => string(),
            ("timestamp", scalar @ Scalar::Time(_)) => Ok(scalar),
            _ => Err(Unresolvable::Tag { text: text.to_owned(), tag: format!("!!{short}") }),
        },
        _ => string(),
    }
}

/// Tells whether a reader takes a plain scalar as its text, and not as a time either.
pub(super) fn is_string(text: &str, reader: Reader) -> bool {
    match text.as_bytes().first() {
        Some(b'.' | b'0'..=b'9' | b'+' | b'-') => matches!(by_text(text, reader, true), Scalar::String(_)),
        _ => word(text, reader).is_none(),
    }
}

/// Tells whether all readers and other YAML 1.1 and 1.2 readers take a plain scalar as its text.
pub(super) fn is_string_for_all(text: &str) -> bool {
    const WORDS: &[&str] =
        &["", "~", "y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "infinity", "=", "<<"];
    let lower = text.to_ascii_lowercase();
    let unsigned = lower.trim_start_matches(['+', '-', '.']);
    let string = |reader| by_text(text, reader, true) == Scalar::String(text.to_owned());
    string(Reader::Manifest)
        && string(Reader::Kustomize)
        && !WORDS.contains(&lower.as_str())
        && !matches!(unsigned, "inf" | "nan" | "infinity")
        && !number::is_base_60(text)
        && !time::begins_with_date(text)
}

impl Scalar {
    /// The JSON value that the reader's tool makes of it.
    pub(super) fn into_json(self, text: &str, reader: Reader) -> Result<Value, Unresolvable> {
        Ok(match self {
            Self::Null => Value::Null,
            Self::Bool(bool) => bool.into(),
            Self::String(string) => string.into(),
            Self::Time(time) => time.ok_or_else(|| Unresolvable::Zone(text.to_owned()))?.into(),
            Self::Int(int) if reader == Reader::Helm => float(int as f64, reader),
            Self::Int(int) => int.into(),
            Self::Unsigned(int) if reader == Reader::Kustomize => int.into(),
            Self::Unsigned(int) => float(int as f64, reader),
            Self::Float(number) if number.is_finite() => float(number, reader),
            Self::Float(_) => return Err(Unresolvable::NotJson(text.to_owned())),
        })
    }
}

/// A float as a JSON number: as an integer where nothing is lost. `kubectl` reads the integer that Go's JSON encoder
/// prints, the shortest digits filled up with zeros, as 64 bits.
fn float(number: f64, reader: Reader) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let printed = if number.fract() != 0.0 || number.abs() >= 1e21 {
        None
    } else if number.abs() <= EXACT {
        Some(number as i64)
    } else if reader == Reader::Manifest {
        format!("{number}").parse().ok()
    } else {
        None
    };
    match printed {
        Some(int) => int.into(),
        None => Number::from_f64(number).map_or(Value::Null, Value::Number),
    }
}

/// Types a text by itself.
fn by_text(text: &str, reader: Reader, times: bool) -> Scalar {
    let string = || Scalar::String(text.to_owned());
    if let Some(word) = word(text, reader) {
        return word;
    }
    match text.as_bytes().first() {
        Some(b'.') => number::go_float(text).map_or_else(string, Scalar::Float),
        Some(b'0'..=b'9' | b'+' | b'-') => {
            if times && let Some(time) = time::rfc_3339(text) {
                return Scalar::Time(time);
            }
            number::number(text, reader).unwrap_or_else(string)
        }
        _ => string(),
    }
}

fn word(text: &str, reader: Reader) -> Option<Scalar> {
    Some(match text {
        "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "true" | "True" | "TRUE" => Scalar::Bool(true),
        "false" | "False" | "FALSE" => Scalar::Bool(false),
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" if reader != Reader::Kustomize => Scalar::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" if reader != Reader::Kustomize => Scalar::Bool(false),
        ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Scalar::Float(f64::NEG_INFINITY),
        _ => return None,
    })
}

/// Decodes base64. Go's JSON encoder then replaces each byte that is not UTF-8.
fn binary(text: &str) -> Result<Scalar, Unresolvable> {
    let packed: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let bytes = STANDARD.decode(packed).map_err(|_| Unresolvable::Binary)?;
    let mut decoded = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        decoded.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|_| decoded.push(char::REPLACEMENT_CHARACTER));
    }
    Ok(Scalar::String(decoded))
}
