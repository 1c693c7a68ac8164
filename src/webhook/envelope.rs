//! Bytes of a delivery to the items that a sender's program maps: strict JSON, one object, a list, or one object a line.
//!
//! Transport wrappings come off here and not in jq, so that a program sees one object of its producer, however it came.
//! Items are the values that a program runs on, read without a detour.
//! `serde_json` bounds the nesting at 128 levels; of equal keys the last one counts, as it does for every consumer of
//! JSON that could have looked at the bytes before us.

pub mod wrapping;

use jaq_json::{Rc, Val};

use wrapping::Unwrap;

/// Items of one delivery of a sender that names no other limit; who has more splits them.
pub const DEFAULT_ITEMS: usize = 1_000;

/// What a delivery brings.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// One object of the producer, for the sender's program.
    Event(Val),
    /// Something of the transport's own: one sentence that says what. No program sees it.
    Notice(String),
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
    #[error("the delivery has more than {0} items: send fewer at a time")]
    TooMany(usize),
    /// A wrapping that holds nothing that can be unwrapped.
    #[error("item {item}: {detail}")]
    Wrapping {
        /// Its number.
        item: usize,
        /// What was expected.
        detail: String,
    },
}

/// Splits a body into at most `limit` items and takes their wrappings off, in the order in which they are given.
///
/// A list is its members. Several objects, one a line, are read where the content type says so (`application/x-ndjson`,
/// `application/jsonl`) and where the first line is a whole JSON object followed by more.
pub fn items(
    body: &[u8],
    content_type: Option<&str>,
    wrappings: &[Unwrap],
    limit: usize,
) -> Result<Vec<Item>, EnvelopeError> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(EnvelopeError::Empty);
    }
    if let Some(number) = inexact_number(body) {
        return Err(EnvelopeError::Inexact(number));
    }
    let mut items = Items { all: Vec::new(), limit };
    if is_lines(content_type) {
        lines(body, &mut items)?;
    } else {
        match serde_json::from_slice(body) {
            Ok(value) => items.spread(value)?,
            Err(_) if begins_with_object_line(body) => lines(body, &mut items)?,
            Err(error) => return Err(EnvelopeError::NotJson(error.to_string())),
        }
    }
    for wrapping in wrappings {
        let mut inner = Items { all: Vec::with_capacity(items.all.len()), limit };
        for (number, item) in (1..).zip(items.all) {
            let unwrapped = match &item {
                Item::Event(Val::Obj(event)) => wrapping.unwrapped(event),
                _ => None,
            };
            let wrong = |detail| EnvelopeError::Wrapping { item: number, detail };
            match unwrapped.transpose().map_err(wrong)? {
                None => inner.push(item)?,
                Some(contents) => {
                    for content in contents {
                        match content {
                            Item::Event(value) => inner.spread(value)?,
                            notice => inner.push(notice)?,
                        }
                    }
                }
            }
        }
        items = inner;
    }
    Ok(items.all)
}

/// Items of a delivery, never more than the limit.
struct Items {
    all: Vec<Item>,
    limit: usize,
}

impl Items {
    fn push(&mut self, item: Item) -> Result<(), EnvelopeError> {
        if self.all.len() >= self.limit {
            return Err(EnvelopeError::TooMany(self.limit));
        }
        self.all.push(item);
        Ok(())
    }

    /// Adds a value, or the members of a list.
    fn spread(&mut self, value: Val) -> Result<(), EnvelopeError> {
        match value {
            Val::Arr(values) if self.all.len() + values.len() > self.limit => Err(EnvelopeError::TooMany(self.limit)),
            Val::Arr(values) => {
                self.all.extend(Rc::unwrap_or_clone(values).into_iter().map(Item::Event));
                Ok(())
            }
            value => self.push(Item::Event(value)),
        }
    }
}

fn is_lines(content_type: Option<&str>) -> bool {
    let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(
        essence.as_str(),
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" | "application/x-jsonl"
    )
}

fn lines(body: &[u8], items: &mut Items) -> Result<(), EnvelopeError> {
    for (index, line) in body.split(|b| *b == b'\n').enumerate() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let value = serde_json::from_slice(line)
            .map_err(|error| EnvelopeError::NotJsonLine { line: index + 1, detail: error.to_string() })?;
        items.spread(value)?;
    }
    Ok(())
}

fn begins_with_object_line(body: &[u8]) -> bool {
    let mut filled = body.split(|b| *b == b'\n').filter(|line| !line.iter().all(u8::is_ascii_whitespace));
    let first = filled.next().and_then(|line| serde_json::from_slice::<Val>(line).ok());
    first.is_some_and(|value| matches!(value, Val::Obj(_))) && filled.next().is_some()
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
