//! A place in the text that moves forward and counts lines and columns as go-yaml does.

use memchr::memchr;

use super::{ParseError, Problem};

/// A place in the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    /// The byte.
    pub(super) byte: usize,
    /// The character, for the rule that implicit keys span at most 1,024.
    pub(super) index: usize,
    /// The line, from 0.
    pub(super) line: usize,
    /// The column in characters, from 0.
    pub(super) column: usize,
}

impl Mark {
    /// A problem at this place.
    pub(super) fn error(self, problem: Problem) -> ParseError {
        ParseError { line: self.line + 1, column: self.column + 1, problem, go: None }
    }

    /// A broken rule at this place.
    pub(super) fn syntax(self, words: &'static str) -> ParseError {
        self.error(Problem::Syntax(words))
    }
}

/// Text and the place in it. Beyond the end it shows NUL, which the text itself cannot hold.
pub(super) struct Cursor<'t> {
    text: &'t str,
    /// So many bytes from the start are each a character of one line or its line feed.
    plain: usize,
    /// Where it is.
    pub(super) mark: Mark,
}

impl<'t> Cursor<'t> {
    /// Starts behind a byte order mark, after looking for characters that YAML does not allow.
    pub(super) fn new(text: &'t str) -> Result<Self, ParseError> {
        let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let plain = count_plain(text);
        let mut cursor = Self { text, plain, mark: Mark { byte: start, ..Mark::default() } };
        if let Some((at, wrong)) = find_forbidden(text, plain) {
            while cursor.mark.byte < at {
                cursor.skip_any();
            }
            return Err(cursor.mark.error(Problem::Character(wrong)));
        }
        Ok(cursor)
    }

    /// The byte `ahead` of here.
    pub(super) fn at(&self, ahead: usize) -> u8 {
        self.text.as_bytes().get(self.mark.byte + ahead).copied().unwrap_or(0)
    }

    /// The byte here.
    pub(super) fn peek(&self) -> u8 {
        self.at(0)
    }

    /// The character here; NUL at the end.
    pub(super) fn char(&self) -> char {
        self.text[self.mark.byte..].chars().next().unwrap_or('\0')
    }

    /// The text between a byte and here.
    pub(super) fn since(&self, byte: usize) -> &'t str {
        &self.text[byte..self.mark.byte]
    }

    pub(super) fn is_end(&self) -> bool {
        self.mark.byte >= self.text.len()
    }

    pub(super) fn is_blank(&self) -> bool {
        matches!(self.peek(), b' ' | b'\t')
    }

    pub(super) fn is_break(&self) -> bool {
        self.break_width(0) > 0
    }

    pub(super) fn is_break_or_end(&self) -> bool {
        self.is_break() || self.is_end()
    }

    /// Tells whether white space, a line break or the end is `ahead` of here.
    pub(super) fn is_space_at(&self, ahead: usize) -> bool {
        matches!(self.at(ahead), b' ' | b'\t' | 0) || self.break_width(ahead) > 0
    }

    /// Tells whether a `---` or `...` line begins here.
    pub(super) fn is_document_marker(&self, byte: u8) -> bool {
        self.mark.column == 0 && (0..3).all(|ahead| self.at(ahead) == byte) && self.is_space_at(3)
    }

    /// Moves over one character that is no line break.
    pub(super) fn skip(&mut self) {
        let width = match self.peek() {
            byte if byte < 0x80 => 1,
            byte if byte < 0xe0 => 2,
            byte if byte < 0xf0 => 3,
            _ => 4,
        };
        self.mark.byte += width;
        self.mark.index += 1;
        self.mark.column += 1;
    }

    /// Moves over a line break and tells what it is read as: YAML 1.1 keeps LS and PS and makes the others a newline.
    pub(super) fn skip_break(&mut self) -> &'static str {
        let width = self.break_width(0);
        let read = match (width, self.at(2)) {
            (3, 0xa8) => "\u{2028}",
            (3, _) => "\u{2029}",
            _ => "\n",
        };
        let two_characters = width == 2 && self.peek() == b'\r';
        self.mark.byte += width;
        self.mark.index += if two_characters { 2 } else { 1 };
        self.mark.line += 1;
        self.mark.column = 0;
        read
    }

    /// Moves over the bytes in front that are such characters of one byte, none of them a line break.
    pub(super) fn skip_while(&mut self, is_such: impl Fn(u8) -> bool) {
        let rest = &self.text.as_bytes()[self.mark.byte..];
        let run = rest.iter().position(|byte| !is_such(*byte)).unwrap_or(rest.len());
        self.mark.byte += run;
        self.mark.index += run;
        self.mark.column += run;
    }

    /// Moves to the end of the line.
    pub(super) fn skip_line(&mut self) {
        let rest = &self.text.as_bytes()[self.mark.byte..];
        let line = memchr(b'\n', rest).unwrap_or(rest.len());
        if self.mark.byte + line <= self.plain {
            self.mark.byte += line;
            self.mark.index += line;
            self.mark.column += line;
            return;
        }
        loop {
            self.skip_while(|byte| matches!(byte, b'\t' | b' '..=b'~'));
            if self.is_break_or_end() {
                return;
            }
            self.skip();
        }
    }

    /// Moves over spaces and tabs.
    pub(super) fn skip_blanks(&mut self) {
        while self.is_blank() {
            self.skip();
        }
    }

    fn skip_any(&mut self) {
        if self.is_break() {
            self.skip_break();
        } else {
            self.skip();
        }
    }

    /// The bytes of the line break `ahead` of here: LF, CR, CRLF, NEL, LS or PS; 0 where none is.
    fn break_width(&self, ahead: usize) -> usize {
        match self.at(ahead) {
            b'\n' => 1,
            b'\r' => 1 + usize::from(self.at(ahead + 1) == b'\n'),
            0xc2 if self.at(ahead + 1) == 0x85 => 2,
            0xe2 if self.at(ahead + 1) == 0x80 && matches!(self.at(ahead + 2), 0xa8 | 0xa9) => 3,
            _ => 0,
        }
    }
}

/// How many bytes from the start at least are printable ASCII, tabs or line feeds: in most texts all.
fn count_plain(text: &str) -> usize {
    let plain = |byte: &u8| matches!(byte, b'\t' | b'\n' | b' '..=b'~');
    // All bytes of a chunk at once.
    let chunks = text.as_bytes().chunks(64);
    chunks.take_while(|chunk| chunk.iter().fold(true, |all, byte| all & plain(byte))).map(<[u8]>::len).sum()
}

/// The first character that a YAML 1.1 stream may not hold, and where. So many bytes are known to be plain.
fn find_forbidden(text: &str, plain: usize) -> Option<(usize, char)> {
    let found = text.get(plain..)?.char_indices().find(|(_, c)| !is_allowed(*c));
    found.map(|(behind, wrong)| (plain + behind, wrong))
}

/// The characters that a YAML 1.1 stream may hold.
fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..)
}
