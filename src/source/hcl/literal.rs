//! What text of a template says: escapes resolved, each byte with the bytes that say it.

use std::{borrow::Cow, sync::Arc};

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use super::{
    parse::Places,
    tree::{Piece, Text},
};
use crate::source::span::Span;

/// Text in the making. Its places are those of the text that is read, not yet those of the file.
#[derive(Clone, Debug)]
pub(super) struct Literal {
    /// What it says.
    pub(super) value: String,
    /// From the first byte to the last, those included that say nothing any more.
    span: Span,
    pieces: Vec<Piece>,
}

/// An escape that is none.
pub(super) struct BadEscape {
    /// How many bytes it has.
    pub(super) len: usize,
    /// What is wrong.
    pub(super) why: String,
}

impl Literal {
    /// No text, at a place.
    pub(super) fn new(at: usize) -> Self {
        Self { value: String::new(), span: Span::empty(at), pieces: Vec::new() }
    }

    /// The byte behind what was taken so far.
    pub(super) fn end(&self) -> usize {
        self.span.end
    }

    /// Takes bytes as they stand.
    fn verbatim(&mut self, text: &str) {
        self.push(text, text.len(), true);
    }

    /// Takes so many bytes that say something else.
    fn escape(&mut self, says: &str, len: usize) {
        self.push(says, len, false);
    }

    fn push(&mut self, says: &str, len: usize, is_verbatim: bool) {
        if len > 0 {
            let raw = Span::new(self.span.end, self.span.end + len);
            push_piece(&mut self.pieces, Piece { len: says.len() as u32, raw, is_verbatim });
            self.value += says;
            self.span.end = raw.end;
        }
    }

    /// Appends what follows it.
    pub(super) fn append(&mut self, next: Self) {
        self.value += &next.value;
        self.span.end = next.span.end;
        for piece in next.pieces {
            push_piece(&mut self.pieces, piece);
        }
    }

    /// Cuts bytes from the start of what it says.
    pub(super) fn cut_start(&mut self, mut bytes: usize) {
        self.value.drain(..bytes);
        let whole = self.pieces.iter().take_while(|piece| {
            let is_cut = piece.len as usize <= bytes && bytes > 0;
            bytes -= if is_cut { piece.len as usize } else { 0 };
            is_cut
        });
        let whole = whole.count();
        if let Some(last) = whole.checked_sub(1) {
            self.span.start = self.pieces[last].raw.end;
        }
        self.pieces.drain(..whole);
        if bytes > 0 {
            let first = &mut self.pieces[0];
            first.len -= bytes as u32;
            first.raw.start += bytes;
            self.span.start = first.raw.start;
        }
    }

    /// Keeps so many bytes from the start of what it says.
    pub(super) fn keep_start(&mut self, bytes: usize) {
        let mut cut = self.value.len() - bytes;
        self.value.truncate(bytes);
        while cut > 0 {
            let last = self.pieces.last_mut().expect("pieces tile the value");
            if last.len as usize <= cut {
                cut -= last.len as usize;
                self.span.end = last.raw.start;
                self.pieces.pop();
            } else {
                last.len -= cut as u32;
                last.raw.end -= cut;
                self.span.end = last.raw.end;
                cut = 0;
            }
        }
    }

    /// The text as it is used: in normal form, with places of the file.
    pub(super) fn finish(self, places: Places<'_>) -> Text {
        let place = |span: Span| match places {
            Places::Same => (span, true),
            Places::Listed(places) => {
                let placed = Span::new(places[span.start] as usize, places[span.end] as usize);
                (placed, placed.len() == span.len())
            }
        };
        let (span, _) = place(self.span);
        let value: Arc<str> = normal(&self.value).into();
        if *value != *self.value {
            let pieces = vec![Piece { len: value.len() as u32, raw: span, is_verbatim: false }];
            return Text { value, span, pieces };
        }
        let pieces = self.pieces.into_iter().map(|piece| {
            let (raw, is_same_length) = place(piece.raw);
            Piece { raw, is_verbatim: piece.is_verbatim && is_same_length, ..piece }
        });
        Text { value, span, pieces: pieces.collect() }
    }
}

/// A text in Unicode's normal form C.
pub(super) fn normal(text: &str) -> Cow<'_, str> {
    match is_nfc_quick(text.chars()) {
        IsNormalized::Yes => text.into(),
        _ => text.nfc().collect(),
    }
}

/// Appends a piece, or makes the last one longer.
fn push_piece(pieces: &mut Vec<Piece>, piece: Piece) {
    match pieces.last_mut() {
        Some(last) if last.is_verbatim && piece.is_verbatim && last.raw.end == piece.raw.start => {
            last.len += piece.len;
            last.raw.end = piece.raw.end;
        }
        _ => pieces.push(piece),
    }
}

/// Resolves the escapes of text between quotes.
pub(super) fn quoted(text: &str, into: &mut Literal) -> Result<(), BadEscape> {
    let mut rest = text;
    while let Some(at) = rest.find(['\\', '$', '%']) {
        into.verbatim(&rest[..at]);
        rest = &rest[at..];
        let taken = if rest.starts_with('\\') { escape(rest, into)? } else { marker(rest, into) };
        rest = &rest[taken..];
    }
    into.verbatim(rest);
    Ok(())
}

/// Resolves the escapes of text outside of quotes, where only those of sequences are some.
pub(super) fn unquoted(text: &str, into: &mut Literal) -> Result<(), BadEscape> {
    let mut rest = text;
    while let Some(at) = rest.find(['$', '%']) {
        into.verbatim(&rest[..at]);
        rest = &rest[at..];
        let taken = marker(rest, into);
        rest = &rest[taken..];
    }
    into.verbatim(rest);
    Ok(())
}

/// The marker, doubled or not, that a text begins with; returns its bytes.
fn marker(text: &str, into: &mut Literal) -> usize {
    match text.as_bytes() {
        [b'$', b'$', b'{', ..] => into.escape("${", 3),
        [b'%', b'%', b'{', ..] => into.escape("%{", 3),
        _ => {
            into.verbatim(&text[..1]);
            return 1;
        }
    }
    3
}

/// The escape that a text begins with; returns its bytes.
fn escape(text: &str, into: &mut Literal) -> Result<usize, BadEscape> {
    let selector = text[1..].chars().next();
    let says = match selector {
        Some('n') => "\n",
        Some('r') => "\r",
        Some('t') => "\t",
        Some('"') => "\"",
        Some('\\') => "\\",
        Some('u') => return code_point(text, 4, into),
        Some('U') => return code_point(text, 8, into),
        _ => {
            let len = 1 + selector.map_or(0, char::len_utf8);
            let why = format!("The symbol {:?} is not a valid escape sequence selector.", &text[1..len]);
            return Err(BadEscape { len, why });
        }
    };
    into.escape(says, 2);
    Ok(2)
}

/// The escape of a character by its number.
fn code_point(text: &str, digits: usize, into: &mut Literal) -> Result<usize, BadEscape> {
    let len = 2 + digits;
    let hex = text.get(2..len).filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let Some(number) = hex.and_then(|hex| u32::from_str_radix(hex, 16).ok()) else {
        let why = format!("The escape sequence must be followed by {digits} hexadecimal digits.");
        return Err(BadEscape { len: 2, why });
    };
    let Some(char) = char::from_u32(number) else {
        return Err(BadEscape { len, why: format!("Cannot encode character U+{number:04x} in UTF-8.") });
    };
    into.escape(char.encode_utf8(&mut [0; 4]), len);
    Ok(len)
}
