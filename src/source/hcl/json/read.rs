//! JSON with the bytes of every value, as HashiCorp's `json/parser.go` reads it: numbers and strings as Go's `encoding/json`,
//! and nothing beyond the standard.

use std::sync::Arc;

use super::{Json, JsonKind, Property};
use crate::source::{
    hcl::{SyntaxError, parse::MAX_DEPTH, tree::Name},
    span::Span,
};

/// Reads a file of JSON.
///
/// # Errors
/// The first thing that is no JSON, a value that is neither object nor array, or a limit: 5 MiB, or [`MAX_DEPTH`].
pub fn parse(text: &str) -> Result<Json, SyntaxError> {
    SyntaxError::check_size(text)?;
    let mut reader = Reader { text, at: 0, depth: 0 };
    let json = reader.value()?;
    reader.skip_blanks();
    if reader.at < text.len() {
        return Err(reader.error(
            reader.at,
            "Extraneous data after value",
            "Extra characters appear after the JSON value.",
        ));
    }
    if !matches!(json.kind, JsonKind::Object(_) | JsonKind::Array(_)) {
        let detail = "The root value in a JSON-based configuration must be either a JSON object or a JSON array.";
        return Err(reader.error(json.span.start, "Root value must be object", detail));
    }
    Ok(json)
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn error(&self, at: usize, summary: &'static str, detail: &str) -> SyntaxError {
        SyntaxError::new(self.text, Span::empty(at), summary, detail)
    }

    fn skip_blanks(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start_matches([' ', '\n', '\r', '\t']).len();
    }

    fn peek(&mut self) -> Option<u8> {
        self.skip_blanks();
        self.text.as_bytes().get(self.at).copied()
    }

    fn value(&mut self) -> Result<Json, SyntaxError> {
        const MISSING: &str = "A JSON value must start with a brace, a bracket, a number, a string, or a keyword.";
        let (first, start) = (self.peek(), self.at);
        let kind = match first {
            Some(b'{') => self.deeper(Self::object)?,
            Some(b'[') => self.deeper(Self::array)?,
            Some(b'"') => JsonKind::String(self.string()?),
            Some(b'-' | b'+' | b'.' | b'0'..=b'9') => self.number()?,
            Some(byte) if byte.is_ascii_alphabetic() => self.keyword()?,
            _ => return Err(self.error(start, "Missing JSON value", MISSING)),
        };
        Ok(Json { span: Span::new(start, self.at), kind })
    }

    fn deeper<T>(&mut self, read: fn(&mut Self) -> Result<T, SyntaxError>) -> Result<T, SyntaxError> {
        if self.depth == MAX_DEPTH {
            let detail = format!("more than {MAX_DEPTH} levels in each other are not read");
            return Err(SyntaxError::limit(self.text, Span::empty(self.at), detail));
        }
        self.depth += 1;
        let result = stacker::maybe_grow(128 << 10, 1 << 20, || read(self));
        self.depth -= 1;
        result
    }

    fn object(&mut self) -> Result<JsonKind, SyntaxError> {
        let open = self.at;
        self.at += 1;
        let mut properties = Vec::new();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(JsonKind::Object(properties));
        }
        loop {
            if self.peek() != Some(b'"') {
                let detail = "A JSON object property name must be a string";
                return Err(self.error(self.at, "Invalid object property name", detail));
            }
            let start = self.at;
            let text = self.string()?;
            let name = Name { text, span: Span::new(start, self.at) };
            if self.peek() != Some(b':') {
                let detail = "A colon must appear between an object property's name and its value.";
                return Err(self.error(self.at, "Missing property value colon", detail));
            }
            self.at += 1;
            let value = self.value()?;
            properties.push(Property { name, value });
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(JsonKind::Object(properties));
                }
                None => {
                    let detail = "No closing brace was found for this JSON object.";
                    return Err(self.error(open, "Unclosed object", detail));
                }
                _ => {
                    let detail = "A comma must appear between each property definition in an object.";
                    return Err(self.error(self.at, "Missing attribute seperator comma", detail));
                }
            }
        }
    }

    fn array(&mut self) -> Result<JsonKind, SyntaxError> {
        let open = self.at;
        self.at += 1;
        let mut items = Vec::new();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(JsonKind::Array(items));
        }
        loop {
            items.push(self.value()?);
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(JsonKind::Array(items));
                }
                None => {
                    let detail = "No closing bracket was found for this JSON array.";
                    return Err(self.error(open, "Unclosed object", detail));
                }
                _ => {
                    let detail = "A comma must appear between each value in an array.";
                    return Err(self.error(self.at, "Missing attribute seperator comma", detail));
                }
            }
        }
    }

    fn keyword(&mut self) -> Result<JsonKind, SyntaxError> {
        let rest = &self.text[self.at..];
        let len = rest.find(|char: char| !char.is_ascii_alphabetic() && char != '_').unwrap_or(rest.len());
        let kind = match &rest[..len] {
            "true" => JsonKind::Bool(true),
            "false" => JsonKind::Bool(false),
            "null" => JsonKind::Null,
            word => {
                let detail = format!("{word:?} is not a valid JSON keyword.");
                return Err(self.error(self.at, "Invalid JSON keyword", &detail));
            }
        };
        self.at += len;
        Ok(kind)
    }

    fn number(&mut self) -> Result<JsonKind, SyntaxError> {
        let rest = &self.text[self.at..];
        let is_part = |char: char| char.is_ascii_digit() || matches!(char, '-' | '+' | '.' | 'e' | 'E');
        let number = &rest[..rest.find(|char| !is_part(char)).unwrap_or(rest.len())];
        if !is_number(number) {
            let detail = "There is a syntax error in the given JSON number.";
            return Err(self.error(self.at, "Invalid JSON number", detail));
        }
        self.at += number.len();
        Ok(JsonKind::Number(number.into()))
    }

    /// The string whose quote is next.
    fn string(&mut self) -> Result<Arc<str>, SyntaxError> {
        let (start, bytes) = (self.at + 1, self.text.as_bytes());
        let mut end = start;
        while bytes.get(end).is_some_and(|byte| *byte != b'"') {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        let says = self.text.get(start..end).filter(|_| end < bytes.len()).and_then(decode);
        let Some((value, _)) = says else {
            let detail = "There is a syntax error in the given JSON string.";
            return Err(self.error(self.at, "Invalid JSON string", detail));
        };
        self.at = end + 1;
        Ok(value.into())
    }
}

/// Tells whether a text is a number of JSON.
fn is_number(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = text.split_once(['e', 'E']).map_or((text, None), |(text, rest)| (text, Some(rest)));
    let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(text, rest)| (text, Some(rest)));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|text| digits(text.strip_prefix(['+', '-']).unwrap_or(text)))
}

/// What the inside of a string says, and for each of its bytes, and for its end, the byte of the inside. Half a surrogate pair
/// is U+FFFD, as for Go.
pub(super) fn decode(raw: &str) -> Option<(String, Vec<u32>)> {
    let (mut value, mut places) = (String::with_capacity(raw.len()), Vec::with_capacity(raw.len() + 1));
    let mut at = 0;
    while let Some(char) = raw[at..].chars().next() {
        let (char, len) = match char {
            '\\' => escape(&raw[at..])?,
            '\0'..='\x1f' | '"' => return None,
            _ => (char, char.len_utf8()),
        };
        // Every byte of an escape's character stands where the escape begins; those of a plain one where they are.
        let is_plain = len == char.len_utf8();
        places.extend((0..char.len_utf8()).map(|byte| (at + if is_plain { byte } else { 0 }) as u32));
        value.push(char);
        at += len;
    }
    places.push(raw.len() as u32);
    Some((value, places))
}

/// The escape that a text begins with: what it says and how many bytes it has.
fn escape(text: &str) -> Option<(char, usize)> {
    let unit = |text: &str| {
        let hex = text.strip_prefix("\\u")?.get(..4)?;
        let is_hex = hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_hex { u16::from_str_radix(hex, 16).ok() } else { None }
    };
    Some(match text.as_bytes().get(1)? {
        b'n' => ('\n', 2),
        b't' => ('\t', 2),
        b'r' => ('\r', 2),
        b'b' => ('\u{8}', 2),
        b'f' => ('\u{c}', 2),
        byte @ (b'"' | b'\\' | b'/') => (char::from(*byte), 2),
        b'u' => {
            let first = unit(text)?;
            let second = text.get(6..).and_then(unit);
            match (char::from_u32(first.into()), second) {
                (Some(char), _) => (char, 6),
                (None, Some(second)) => match char::decode_utf16([first, second]).next() {
                    Some(Ok(char)) => (char, 12),
                    _ => ('\u{fffd}', 6),
                },
                (None, None) => ('\u{fffd}', 6),
            }
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_say_what_go_reads() {
        for (raw, expected) in [
            ("a\\u00e9\\n\\/", Some("aé\n/")),
            ("\\ud83d\\ude00", Some("😀")),
            ("\\ud83dx\\udc00", Some("\u{fffd}x\u{fffd}")),
            ("\\ud83d\\u0041", Some("\u{fffd}A")),
            ("\\u12", None),
            ("\\x", None),
            ("\t", None),
        ] {
            assert_eq!(decode(raw).map(|(value, _)| value).as_deref(), expected, "{raw}");
        }
    }

    #[test]
    fn numbers_are_those_of_the_standard() {
        for (text, expected) in
            [("0", true), ("-1.50e+3", true), ("01", false), ("+1", false), (".5", false), ("1.", false), ("1e", false)]
        {
            assert_eq!(is_number(text), expected, "{text}");
        }
    }
}
