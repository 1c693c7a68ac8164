//! Strings as Go sees them: bytes that are read as characters, each byte that fits no character being one of its own.
//!
//! Go 1.23 knows Unicode 15.0 and maps one character to one character. Rust knows a later version and maps some
//! characters to several, so both are taken back to what Go does.

use std::{cell::OnceCell, fmt};

use regex::Regex;

/// What Go reads where bytes are no UTF-8.
pub const REPLACEMENT: char = '\u{FFFD}';

/// The characters of bytes, each with its place. A byte that is part of none is [`REPLACEMENT`] and one byte long.
pub fn runes(bytes: &[u8]) -> impl Iterator<Item = (usize, usize, char)> + '_ {
    let mut at = 0;
    bytes.utf8_chunks().flat_map(move |chunk| {
        let start = at;
        let broken = start + chunk.valid().len();
        at = broken + chunk.invalid().len();
        let valid = chunk.valid().char_indices().map(move |(index, rune)| (start + index, rune.len_utf8(), rune));
        valid.chain((broken..at).map(|place| (place, 1, REPLACEMENT)))
    })
}

/// The first character of bytes and its length: `utf8.DecodeRune`.
pub fn first(bytes: &[u8]) -> Option<(char, usize)> {
    let (_, len, rune) = runes(&bytes[..bytes.len().min(4)]).next()?;
    Some((rune, len))
}

/// The last character of bytes and its length: `utf8.DecodeLastRune`.
pub fn last(bytes: &[u8]) -> Option<(char, usize)> {
    let end = bytes.len();
    (1..=end.min(4))
        .find_map(|len| {
            let mut found = std::str::from_utf8(&bytes[end - len..]).ok()?.chars();
            found.next().filter(|_| found.next().is_none()).map(|rune| (rune, len))
        })
        .or((end > 0).then_some((REPLACEMENT, 1)))
}

/// `unicode.IsSpace`, which has not changed since Unicode 6.3.
pub fn is_space(rune: char) -> bool {
    rune.is_whitespace()
}

/// A property of characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// `unicode.IsUpper`.
    Upper,
    /// `unicode.IsLower`.
    Lower,
    /// `unicode.IsTitle`.
    Title,
    /// `unicode.IsLetter`.
    Letter,
    /// `unicode.IsDigit`.
    Digit,
    /// `unicode.IsNumber`.
    Number,
    /// `unicode.IsPunct`.
    Punctuation,
    /// What Unicode 15.0 knows at all.
    Assigned,
}

/// Properties of characters as of Unicode 15.0, each table made when it is first asked for.
#[derive(Default)]
pub struct Classes {
    tables: [OnceCell<Regex>; 8],
}

impl fmt::Debug for Classes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Classes")
    }
}

impl Classes {
    /// Whether a character has a property.
    pub fn has(&self, class: Class, rune: char) -> bool {
        if rune.is_ascii() {
            return match class {
                Class::Upper => rune.is_ascii_uppercase(),
                Class::Lower => rune.is_ascii_lowercase(),
                Class::Title => false,
                Class::Letter => rune.is_ascii_alphabetic(),
                Class::Digit | Class::Number => rune.is_ascii_digit(),
                Class::Punctuation => rune.is_ascii_punctuation() && !"$+<=>^`|~".contains(rune),
                Class::Assigned => true,
            };
        }
        let table = self.tables[class as usize].get_or_init(|| {
            let property = match class {
                Class::Upper => r"\p{Lu}",
                Class::Lower => r"\p{Ll}",
                Class::Title => r"\p{Lt}",
                Class::Letter => r"\p{L}",
                Class::Digit => r"\p{Nd}",
                Class::Number => r"\p{N}",
                Class::Punctuation => r"\p{P}",
                Class::Assigned => r"\p{Any}",
            };
            Regex::new(&format!(r"\A[{property}&&\p{{age:15.0}}]\z")).expect("the properties are known ones")
        });
        table.is_match(rune.encode_utf8(&mut [0; 4]))
    }

    /// `unicode.ToUpper`.
    pub fn upper(&self, rune: char) -> char {
        if rune.is_ascii() {
            return rune.to_ascii_uppercase();
        }
        match rune {
            // Full mappings make two capitals of these; Go's simple ones make the title form.
            '\u{1F80}'..='\u{1F87}' | '\u{1F90}'..='\u{1F97}' | '\u{1FA0}'..='\u{1FA7}' => self.moved(rune, 8),
            '\u{1FB3}' | '\u{1FC3}' | '\u{1FF3}' => self.moved(rune, 9),
            _ => self.known(rune, rune.to_uppercase()),
        }
    }

    /// `unicode.ToLower`.
    pub fn lower(&self, rune: char) -> char {
        match rune {
            _ if rune.is_ascii() => rune.to_ascii_lowercase(),
            '\u{130}' => 'i',
            _ => self.known(rune, rune.to_lowercase()),
        }
    }

    /// `unicode.ToTitle`.
    pub fn title(&self, rune: char) -> char {
        match rune {
            '\u{1C4}'..='\u{1C6}' => '\u{1C5}',
            '\u{1C7}'..='\u{1C9}' => '\u{1C8}',
            '\u{1CA}'..='\u{1CC}' => '\u{1CB}',
            '\u{1F1}'..='\u{1F3}' => '\u{1F2}',
            '\u{10D0}'..='\u{10FA}' | '\u{10FD}'..='\u{10FF}' => rune,
            _ => self.upper(rune),
        }
    }

    fn moved(&self, rune: char, by: u32) -> char {
        char::from_u32(rune as u32 + by).unwrap_or(rune)
    }

    /// The one character that a mapping leads to, if both were known to Unicode 15.0.
    fn known(&self, rune: char, mut mapped: impl ExactSizeIterator<Item = char>) -> char {
        match mapped.next() {
            Some(other) if mapped.len() == 0 && other != rune => {
                if self.has(Class::Assigned, other) && self.has(Class::Assigned, rune) { other } else { rune }
            }
            _ => rune,
        }
    }
}
