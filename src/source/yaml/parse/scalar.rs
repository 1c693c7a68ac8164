//! Plain, quoted and block scalars: their text, with folding and escapes undone, and where they end.

use super::{
    ParseError, Problem,
    cursor::Mark,
    scan::{Scanner, hex},
};
use crate::source::yaml::tree::ScalarStyle;

/// The white space between two pieces of a flow scalar.
#[derive(Default)]
struct Gap {
    /// On one line: kept as it is.
    blanks: String,
    /// The first line break; folded into a space.
    first_break: Option<&'static str>,
    /// The further line breaks; kept.
    breaks: String,
}

impl Scanner<'_> {
    /// Reads a plain scalar; also tells the byte after its last character.
    pub(super) fn scan_plain(&mut self) -> Result<(String, usize), ParseError> {
        let start = self.cursor.mark;
        let indent = self.indent + 1;
        let (mut text, mut end, mut gap) = (String::new(), start.byte, Gap::default());
        let mut new_line = false;
        loop {
            if self.cursor.is_document_marker(b'-')
                || self.cursor.is_document_marker(b'.')
                || self.cursor.peek() == b'#'
            {
                break;
            }
            let from = self.cursor.mark.byte;
            loop {
                self.cursor.skip_while(is_plain);
                if self.cursor.is_space_at(0) || self.ends_plain() {
                    break;
                }
                self.cursor.skip();
            }
            let piece = self.cursor.since(from);
            if !piece.is_empty() {
                gap.fold_into(&mut text);
                new_line = false;
                text.push_str(piece);
                end = self.cursor.mark.byte;
            }
            if !self.cursor.is_blank() && !self.cursor.is_break() {
                break;
            }
            while self.cursor.is_blank() || self.cursor.is_break() {
                if self.cursor.peek() == b'\t' && new_line && (self.cursor.mark.column as isize) < indent {
                    return Err(self
                        .cursor
                        .mark
                        .syntax("a tab cannot indent; use spaces")
                        .scanned(self.cursor.mark, "found a tab character that violates indentation"));
                }
                new_line |= self.skip_gap(&mut gap);
            }
            if self.flow_level == 0 && (self.cursor.mark.column as isize) < indent {
                break;
            }
        }
        if new_line {
            self.key_allowed = true;
        }
        Ok((text, end))
    }

    /// Tells whether the character here ends a plain scalar.
    fn ends_plain(&self) -> bool {
        match self.cursor.peek() {
            b':' => self.cursor.is_space_at(1),
            b',' | b'?' | b'[' | b']' | b'{' | b'}' => self.flow_level > 0,
            _ => false,
        }
    }

    /// Moves over a blank or a line break and tells whether it was a break.
    fn skip_gap(&mut self, gap: &mut Gap) -> bool {
        if self.cursor.is_break() {
            let read = self.cursor.skip_break();
            match gap.first_break {
                None => gap.first_break = Some(read),
                Some(_) => gap.breaks.push_str(read),
            }
            // What indents the next line says nothing.
            self.cursor.skip_while(|byte| byte == b' ');
            return true;
        }
        if gap.first_break.is_none() {
            gap.blanks.push(char::from(self.cursor.peek()));
        }
        self.cursor.skip();
        false
    }

    /// Reads a quoted scalar.
    pub(super) fn scan_quoted(&mut self, style: ScalarStyle) -> Result<String, ParseError> {
        let start = self.cursor.mark;
        let (quote, double) = (self.cursor.peek(), style == ScalarStyle::DoubleQuoted);
        self.cursor.skip();
        let mut text = String::new();
        loop {
            if self.cursor.is_document_marker(b'-') || self.cursor.is_document_marker(b'.') {
                return Err(start
                    .syntax("this quoted text runs into the end of its document; close the quote")
                    .scanned(self.cursor.mark, "found unexpected document indicator"));
            }
            if self.cursor.is_end() {
                return Err(start
                    .syntax("this quote is never closed")
                    .scanned(self.cursor.mark, "found unexpected end of stream"));
            }
            let mut gap = Gap::default();
            while !self.cursor.is_space_at(0) {
                let from = self.cursor.mark.byte;
                self.cursor.skip_while(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'\\'));
                text.push_str(self.cursor.since(from));
                let byte = self.cursor.peek();
                if self.cursor.is_space_at(0) {
                    break;
                } else if !double && byte == quote && self.cursor.at(1) == quote {
                    text.push('\'');
                    self.cursor.skip();
                    self.cursor.skip();
                } else if byte == quote {
                    self.cursor.skip();
                    return Ok(text);
                } else if double && byte == b'\\' {
                    let here = self.cursor.mark;
                    self.cursor.skip();
                    if self.cursor.is_break() {
                        self.cursor.skip_break();
                        gap.first_break = Some("");
                        break;
                    }
                    text.push(self.scan_escape(here)?);
                } else {
                    text.push(self.cursor.char());
                    self.cursor.skip();
                }
            }
            while self.cursor.is_blank() || self.cursor.is_break() {
                self.skip_gap(&mut gap);
            }
            gap.fold_into(&mut text);
        }
    }

    /// Reads what follows a backslash.
    fn scan_escape(&mut self, backslash: Mark) -> Result<char, ParseError> {
        if self.cursor.is_end() {
            return Err(backslash.syntax("this quote is never closed"));
        }
        let code = self.cursor.char();
        let digits = match code {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        let simple = match code {
            '0' => '\0',
            'a' => '\x07',
            'b' => '\x08',
            't' | '\t' => '\t',
            'n' => '\n',
            'v' => '\x0b',
            'f' => '\x0c',
            'r' => '\r',
            'e' => '\x1b',
            ' ' | '"' | '\'' | '\\' => code,
            'N' => '\u{85}',
            '_' => '\u{a0}',
            'L' => '\u{2028}',
            'P' => '\u{2029}',
            _ if digits > 0 => '\0',
            _ => {
                return Err(backslash
                    .error(Problem::Escape(code))
                    .scanned(self.cursor.mark, "found unknown escape character"));
            }
        };
        self.cursor.skip();
        if digits == 0 {
            return Ok(simple);
        }
        let mut value: u32 = 0;
        for _ in 0..digits {
            let digit = hex(self.cursor.peek());
            let wrong = || {
                let words = "\\x needs 2 hex digits, \\u 4 and \\U 8";
                backslash.syntax(words).scanned(backslash, "did not find expected hexdecimal number")
            };
            value = (value << 4) | digit.ok_or_else(wrong)?;
            self.cursor.skip();
        }
        char::from_u32(value).ok_or_else(|| {
            backslash
                .syntax("this escape names no Unicode character")
                .scanned(self.cursor.mark, "found invalid Unicode character escape code")
        })
    }

    /// Reads a block scalar; also tells the byte after its last line, without that line's break.
    pub(super) fn scan_block_scalar(&mut self, style: ScalarStyle) -> Result<(String, usize), ParseError> {
        let start = self.cursor.mark;
        self.cursor.skip();
        let (chomp, digit) = self.scan_block_header(start)?;
        let mut end = self.cursor.mark.byte;
        self.cursor.skip_blanks();
        self.skip_comment();
        if !self.cursor.is_break_or_end() {
            return Err(self
                .cursor
                .mark
                .syntax("nothing but a comment may follow \"|\" or \">\"; put the text on the next line")
                .scanned(self.cursor.mark, "did not find expected comment or line break"));
        }
        if self.cursor.is_break() {
            self.cursor.skip_break();
        }
        let mut indent = digit.map(|digit| self.indent.max(0) as usize + digit);
        let (mut text, mut last_break, mut breaks) = (String::new(), "", String::new());
        let mut last_blank_line = self.skip_block_breaks(&mut indent, &mut breaks)?;
        let mut was_blank = false;
        while indent == Some(self.cursor.mark.column) && !self.cursor.is_end() {
            let blank = self.cursor.is_blank();
            // A folded scalar joins lines by a space, but not around lines that are indented further.
            if style == ScalarStyle::Folded && !was_blank && !blank && last_break == "\n" {
                if breaks.is_empty() {
                    text.push(' ');
                }
            } else {
                text.push_str(last_break);
            }
            text.push_str(&breaks);
            breaks.clear();
            was_blank = blank;
            let from = self.cursor.mark.byte;
            self.cursor.skip_line();
            text.push_str(self.cursor.since(from));
            end = self.cursor.mark.byte;
            last_break = if self.cursor.is_break() { self.cursor.skip_break() } else { "" };
            last_blank_line = self.skip_block_breaks(&mut indent, &mut breaks)?;
        }
        if chomp != Chomp::Strip {
            text.push_str(last_break);
        }
        if chomp == Chomp::Keep {
            text.push_str(&breaks);
            end = last_blank_line.unwrap_or(end);
        }
        Ok((text, end))
    }

    /// Reads `+`, `-` and the indentation digit, in either order.
    fn scan_block_header(&mut self, start: Mark) -> Result<(Chomp, Option<usize>), ParseError> {
        let (mut chomp, mut digit) = (None, None);
        for _ in 0..2 {
            match self.cursor.peek() {
                b'+' if chomp.is_none() => chomp = Some(Chomp::Keep),
                b'-' if chomp.is_none() => chomp = Some(Chomp::Strip),
                b'0' if digit.is_none() => {
                    return Err(start
                        .syntax("a block scalar's indentation is a digit from 1 to 9")
                        .scanned(self.cursor.mark, "found an indentation indicator equal to 0"));
                }
                byte @ b'1'..=b'9' if digit.is_none() => digit = Some(usize::from(byte - b'0')),
                _ => break,
            }
            self.cursor.skip();
        }
        Ok((chomp.unwrap_or(Chomp::Clip), digit))
    }

    /// Moves over blank lines and indentation, finds out the indentation where it is not known yet, and tells where the last
    /// blank line ends.
    fn skip_block_breaks(
        &mut self,
        indent: &mut Option<usize>,
        breaks: &mut String,
    ) -> Result<Option<usize>, ParseError> {
        let (mut deepest, mut last) = (0, None);
        loop {
            while self.cursor.peek() == b' ' && indent.is_none_or(|indent| self.cursor.mark.column < indent) {
                self.cursor.skip();
            }
            let column = self.cursor.mark.column;
            deepest = deepest.max(column);
            if self.cursor.peek() == b'\t' && indent.is_none_or(|indent| column < indent) {
                return Err(self
                    .cursor
                    .mark
                    .syntax("a tab cannot indent; use spaces")
                    .scanned(self.cursor.mark, "found a tab character where an indentation space is expected"));
            }
            if !self.cursor.is_break() {
                break;
            }
            last = Some(self.cursor.mark.byte);
            breaks.push_str(self.cursor.skip_break());
        }
        indent.get_or_insert(deepest.max((self.indent + 1).max(1) as usize));
        Ok(last)
    }
}

/// Tells whether a byte never ends a plain scalar.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b':' | b',' | b'?' | b'[' | b']' | b'{' | b'}')
}

/// What becomes of the line breaks at the end of a block scalar.
#[derive(Clone, Copy, PartialEq)]
enum Chomp {
    Strip,
    Clip,
    Keep,
}

impl Gap {
    /// Adds the gap to the text as it is read: blanks as they are, one break as a space, more breaks without the first. LS
    /// and PS are never folded.
    fn fold_into(&mut self, text: &mut String) {
        match self.first_break.take() {
            None => text.push_str(&self.blanks),
            Some("\n") if self.breaks.is_empty() => text.push(' '),
            Some("\n") => text.push_str(&self.breaks),
            Some(kept) => {
                text.push_str(kept);
                text.push_str(&self.breaks);
            }
        }
        self.blanks.clear();
        self.breaks.clear();
    }
}
