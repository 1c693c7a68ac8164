//! Bytes of a delivery to the items that a sender's program maps: strict JSON, one object, a list, or one object a line.
//!
//! Transport wrappings come off here and not in jq, so that a program sees one object of its producer, however it came.
//! Items are the values that a program runs on, read without a detour.
//! `serde_json` bounds the nesting at 128 levels; of equal keys the last one counts, as it does for every consumer of
//! JSON that could have looked at the bytes before us.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jaq_json::{Map, Rc, Val};
use serde::{Deserialize, Serialize};

/// Items of one delivery; a sender with more splits them.
pub const MAX_ITEMS: usize = 1_000;

/// A wrapping that a transport puts around the producer's object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unwrap {
    /// CloudEvents 1.0 in structured or batch mode: the item is `data`, or what `data_base64` holds.
    CloudEvents,
}

/// Why a body holds no items. The numbers of lines and items begin with 1.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EnvelopeError {
    /// No bytes but white space.
    #[error("the body is empty: expected a JSON object, a list of them, or one a line")]
    Empty,
    /// Not JSON.
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    /// One line of several is not JSON.
    #[error("line {line} of the body is not JSON: {detail}")]
    NotJsonLine {
        /// Its number.
        line: usize,
        /// What the parser says.
        detail: String,
    },
    /// A whole number that no 64-bit integer holds and a float would round.
    #[error("the body has a whole number that 64 bits do not hold: {0}")]
    Inexact(String),
    /// More items than one delivery may have.
    #[error("the delivery has more than {MAX_ITEMS} items: send fewer at a time")]
    TooMany,
    /// A wrapping that holds nothing that can be unwrapped.
    #[error("item {item}: {detail}")]
    Wrapping {
        /// Its number.
        item: usize,
        /// What was expected.
        detail: String,
    },
}

/// Splits a body into its items and takes their wrappings off.
///
/// A list is its members. Several objects, one a line, are read where the content type says so (`application/x-ndjson`,
/// `application/jsonl`) and where the first line is a whole JSON object followed by more.
pub fn items(body: &[u8], content_type: Option<&str>, wrappings: &[Unwrap]) -> Result<Vec<Val>, EnvelopeError> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(EnvelopeError::Empty);
    }
    if let Some(number) = inexact_number(body) {
        return Err(EnvelopeError::Inexact(number));
    }
    let mut items = Vec::new();
    if is_lines(content_type) {
        lines(body, &mut items)?;
    } else {
        match serde_json::from_slice(body) {
            Ok(value) => spread(value, &mut items)?,
            Err(_) if begins_with_object_line(body) => lines(body, &mut items)?,
            Err(error) => return Err(EnvelopeError::NotJson(error.to_string())),
        }
    }
    for wrapping in wrappings {
        let mut inner = Vec::with_capacity(items.len());
        for (item, value) in (1..).zip(items) {
            match value {
                Val::Obj(map) if is_wrapped(*wrapping, &map) => {
                    let content =
                        unwrapped(*wrapping, &map).map_err(|detail| EnvelopeError::Wrapping { item, detail })?;
                    spread(content, &mut inner)?;
                }
                bare if inner.len() < MAX_ITEMS => inner.push(bare),
                _ => return Err(EnvelopeError::TooMany),
            }
        }
        items = inner;
    }
    Ok(items)
}

fn is_lines(content_type: Option<&str>) -> bool {
    let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(
        essence.as_str(),
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" | "application/x-jsonl"
    )
}

fn lines(body: &[u8], items: &mut Vec<Val>) -> Result<(), EnvelopeError> {
    for (index, line) in body.split(|b| *b == b'\n').enumerate() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let value = serde_json::from_slice(line)
            .map_err(|error| EnvelopeError::NotJsonLine { line: index + 1, detail: error.to_string() })?;
        spread(value, items)?;
    }
    Ok(())
}

fn begins_with_object_line(body: &[u8]) -> bool {
    let mut filled = body.split(|b| *b == b'\n').filter(|line| !line.iter().all(u8::is_ascii_whitespace));
    let first = filled.next().and_then(|line| serde_json::from_slice::<Val>(line).ok());
    first.is_some_and(|value| matches!(value, Val::Obj(_))) && filled.next().is_some()
}

fn spread(value: Val, items: &mut Vec<Val>) -> Result<(), EnvelopeError> {
    match value {
        Val::Arr(values) if items.len() + values.len() <= MAX_ITEMS => items.extend(Rc::unwrap_or_clone(values)),
        Val::Arr(_) => return Err(EnvelopeError::TooMany),
        _ if items.len() >= MAX_ITEMS => return Err(EnvelopeError::TooMany),
        value => items.push(value),
    }
    Ok(())
}

fn is_wrapped(wrapping: Unwrap, map: &Map) -> bool {
    match wrapping {
        Unwrap::CloudEvents => matches!(member(map, "specversion"), Some(Val::TStr(_))),
    }
}

fn unwrapped(wrapping: Unwrap, event: &Map) -> Result<Val, String> {
    let Unwrap::CloudEvents = wrapping;
    if let Some(data) = member(event, "data") {
        return Ok(data.clone());
    }
    let encoded = match member(event, "data_base64") {
        Some(Val::TStr(encoded)) => encoded,
        Some(_) => return Err("data_base64 of a CloudEvent must be a string".to_owned()),
        None => return Err("a CloudEvent needs data or data_base64".to_owned()),
    };
    let bytes = STANDARD.decode(&***encoded).map_err(|_| "data_base64 of a CloudEvent is not base64".to_owned())?;
    if let Some(number) = inexact_number(&bytes) {
        return Err(format!("data_base64 has a whole number that 64 bits do not hold: {number}"));
    }
    serde_json::from_slice(&bytes).map_err(|error| format!("data_base64 of a CloudEvent is not JSON: {error}"))
}

fn member<'a>(map: &'a Map, name: &str) -> Option<&'a Val> {
    map.get(&Val::utf8_str(name.to_owned()))
}

/// The first whole number outside strings that neither `i64` nor `u64` holds, cut to 40 digits.
///
/// `serde_json` would round it to a float without a word, and a rounded value must never reach a source file.
fn inexact_number(body: &[u8]) -> Option<String> {
    // 19 digits in a row cover a multiple of 16, and hardly any body has them.
    let digits = |from: &mut dyn Iterator<Item = &u8>| from.take_while(|b| b.is_ascii_digit()).take(19).count();
    let is_long = |at: usize| {
        let (before, after) = body.split_at(at);
        digits(&mut before.iter().rev()) + digits(&mut after.iter()) >= 19
    };
    if !(0..body.len()).step_by(16).any(|at| body[at].is_ascii_digit() && is_long(at)) {
        return None;
    }
    let mut at = 0;
    while let Some(byte) = body.get(at) {
        match byte {
            b'"' => {
                at += 1;
                while let Some(inside) = body.get(at).filter(|b| **b != b'"') {
                    at += if *inside == b'\\' { 2 } else { 1 };
                }
                at += 1;
            }
            b'-' | b'0'..=b'9' => {
                let part = |b: &u8| matches!(b, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
                let end = body[at..].iter().position(|b| !part(b)).map_or(body.len(), |length| at + length);
                let token = str::from_utf8(&body[at..end]).unwrap_or_default();
                let whole = token.trim_start_matches('-').bytes().all(|b| b.is_ascii_digit());
                if whole && token.len() > 18 && token.parse::<i64>().is_err() && token.parse::<u64>().is_err() {
                    return Some(token.chars().take(40).collect());
                }
                at = end;
            }
            _ => at += 1,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_64_bits_do_not_hold_is_found_wherever_it_stands() {
        for (number, exact) in [
            ("18446744073709551615", true),
            ("18446744073709551616", false),
            ("-9223372036854775808", true),
            ("-9223372036854775809", false),
            ("1000000000000000000000000000000000000000000", false),
            ("999999999999999999", true),
        ] {
            for before in 0..40 {
                let body = format!("{}[{number}]", " ".repeat(before));
                let cut = (!exact).then(|| number.chars().take(40).collect::<String>());
                assert_eq!(inexact_number(body.as_bytes()), cut, "{body}");
                assert_eq!(inexact_number(format!("{}\"{number}\"", " ".repeat(before)).as_bytes()), None, "{body}");
            }
        }
    }
}
