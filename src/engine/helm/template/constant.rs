//! Constants of templates, by the rules of Go's `strconv`, and the forms of texts and characters in Go's messages.

pub mod number;

use std::borrow::Cow;

/// The bytes of a string constant with its quotes; nothing where Go refuses it. `"\xff"` is one byte. A string in backquotes
/// loses its carriage returns.
pub fn unquote(constant: &str) -> Option<Cow<'_, [u8]>> {
    let (quote, last) = (constant.chars().next()?, constant.chars().next_back()?);
    if last != quote || constant.len() < 2 {
        return None;
    }
    let inner = constant.get(1..constant.len() - 1)?;
    match quote {
        '`' if inner.contains('`') => None,
        '`' if inner.contains('\r') => Some(inner.bytes().filter(|byte| *byte != b'\r').collect()),
        '`' => Some(inner.as_bytes().into()),
        '"' if inner.bytes().all(|byte| byte.is_ascii() && !matches!(byte, b'"' | b'\\' | b'\n')) => {
            Some(inner.as_bytes().into())
        }
        '"' if !inner.contains('\n') => {
            let mut bytes = Vec::with_capacity(inner.len());
            let mut rest = inner;
            while !rest.is_empty() {
                let (unit, after) = unit(rest, '"')?;
                match unit {
                    Unit::Byte(byte) => bytes.push(byte),
                    Unit::Character(character) => {
                        bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                    }
                }
                rest = after;
            }
            Some(bytes.into())
        }
        _ => None,
    }
}

/// The code point of a character constant with its quotes: `'\xff'` is 255.
///
/// # Errors
/// Go's words for a constant that it refuses.
pub fn unquote_character(constant: &str) -> Result<u32, String> {
    let inner = constant.get(1..).unwrap_or_default();
    match unit(inner, '\'') {
        None => Err("invalid syntax".into()),
        Some((_, rest)) if rest != "'" => Err(format!("malformed character constant: {constant}")),
        Some((Unit::Byte(byte), _)) => Ok(byte.into()),
        Some((Unit::Character(character), _)) => Ok(character.into()),
    }
}

/// A text as `%q` prints it.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\x07' => quoted.push_str("\\a"),
            '\x08' => quoted.push_str("\\b"),
            '\x0c' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\x0b' => quoted.push_str("\\v"),
            _ if is_printable(character) => quoted.push(character),
            '\0'..='\x7f' => quoted.push_str(&format!("\\x{:02x}", u32::from(character))),
            '\u{80}'..='\u{ffff}' => quoted.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => quoted.push_str(&format!("\\U{:08x}", u32::from(character))),
        }
    }
    quoted.push('"');
    quoted
}

/// A character as `%#U` prints it: `U+0023 '#'`.
pub fn quoted_character(character: char) -> String {
    let code = format!("U+{:04X}", u32::from(character));
    if is_printable(character) { format!("{code} '{character}'") } else { code }
}

/// One character or byte of a constant, unescaped.
enum Unit {
    Character(char),
    Byte(u8),
}

/// Go's `strconv.UnquoteChar`.
fn unit(text: &str, quote: char) -> Option<(Unit, &str)> {
    let mut characters = text.chars();
    let first = characters.next()?;
    if first == quote {
        return None;
    }
    if first != '\\' {
        return Some((Unit::Character(first), characters.as_str()));
    }
    let escape = characters.next()?;
    let rest = characters.as_str();
    let plain = match escape {
        'a' => '\x07',
        'b' => '\x08',
        'f' => '\x0c',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\x0b',
        '\\' => '\\',
        '\'' | '"' if escape == quote => quote,
        'x' => return code(rest, 2, 16).and_then(|(code, rest)| Some((Unit::Byte(u8::try_from(code).ok()?), rest))),
        '0'..='7' => {
            let digits = &text[1..];
            return code(digits, 3, 8).and_then(|(code, rest)| Some((Unit::Byte(u8::try_from(code).ok()?), rest)));
        }
        'u' | 'U' => {
            let (code, rest) = code(rest, if escape == 'u' { 4 } else { 8 }, 16)?;
            return Some((Unit::Character(char::from_u32(code)?), rest));
        }
        _ => return None,
    };
    Some((Unit::Character(plain), rest))
}

/// A number of exactly that many digits, and what follows it.
fn code(text: &str, digits: usize, base: u32) -> Option<(u32, &str)> {
    let (number, rest) = text.split_at_checked(digits)?;
    let number = number.chars().try_fold(0u32, |number, digit| Some((number << base.ilog2()) | digit.to_digit(base)?));
    Some((number?, rest))
}

/// Go's `unicode.IsPrint`, by Rust's own tables.
fn is_printable(character: char) -> bool {
    // Behind a letter, as an accent alone is escaped.
    let shown = || String::from_iter(['a', character]).escape_debug().count() == 2;
    character == ' ' || matches!(character, '\'' | '"' | '\\') || !character.is_whitespace() && shown()
}
