//! Tokens, as HashiCorp's `hclsyntax/scan_tokens.rl` cuts them.
//!
//! The scanner has four modes, which nest without end: the language, a quoted template, a heredoc and a bare template (a file
//! for `templatefile`, a string of JSON). Where it cuts a template's text matters: `~` strips one piece of text and no more.

use super::identifier::{continues_name, starts_name};
use crate::source::span::Span;

/// A piece of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say what they are")]
pub enum TokenKind {
    OpenBrace,
    CloseBrace,
    OpenBracket,
    CloseBracket,
    OpenParenthesis,
    CloseParenthesis,
    OpenQuote,
    CloseQuote,
    /// `<<` or `<<-`, the end word and the line break behind it.
    OpenHeredoc,
    /// The line with the end word, without its line break.
    CloseHeredoc,
    Star,
    Slash,
    Plus,
    Minus,
    Percent,
    Equal,
    EqualEqual,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    And,
    Or,
    Bang,
    Dot,
    Comma,
    Colon,
    DoubleColon,
    Question,
    Ellipsis,
    FatArrow,
    /// `${` or `${~`.
    Interpolation,
    /// `%{` or `%{~`.
    Control,
    /// `}` or `~}` that ends one of these.
    SequenceEnd,
    /// Text between quotes, with its escapes.
    QuotedText,
    /// Text of a heredoc or a bare template.
    Text,
    Number,
    Name,
    /// With its line break, where it runs to the end of the line.
    Comment,
    Newline,
    /// What no file may have.
    Invalid(Invalid),
    End,
}

/// Why a token is not valid anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say what they are")]
pub enum Invalid {
    Bitwise,
    Backtick,
    Apostrophe,
    Semicolon,
    QuotedNewline,
    Character,
}

/// What the text is taken for where it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// The language: a file or an expression.
    Language,
    /// A template without quotes.
    Template,
}

impl Token {
    /// Its bytes.
    pub fn span(&self) -> Span {
        Span::new(self.start as usize, self.end as usize)
    }
}

/// All tokens of a text, the last one being [`TokenKind::End`]. A byte order mark and blanks are in no token.
///
/// The text must have fewer than 2³² bytes.
pub fn tokens(text: &str, start: Start) -> Vec<Token> {
    let mode = match start {
        Start::Language => Mode::Language { braces: 0 },
        Start::Template => Mode::Bare,
    };
    let at = if start == Start::Language && text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut lexer =
        Lexer { text, bytes: text.as_bytes(), at, modes: vec![mode], tokens: Vec::with_capacity(text.len() / 4 + 1) };
    while lexer.at < text.len() {
        lexer.next();
    }
    lexer.push(TokenKind::End, text.len());
    lexer.tokens
}

struct Lexer<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    /// The innermost is the last; the first one never ends.
    modes: Vec<Mode<'t>>,
    tokens: Vec<Token>,
}

#[derive(Clone, Copy)]
enum Mode<'t> {
    /// The braces that are open in it.
    Language {
        braces: usize,
    },
    Quoted,
    Heredoc {
        end: &'t str,
        /// Whether nothing of the line was taken yet, so that it may be the end word's.
        at_line_start: bool,
    },
    Bare,
}

impl<'t> Lexer<'t> {
    fn next(&mut self) {
        match self.modes[self.modes.len() - 1] {
            Mode::Language { braces } => self.language(braces),
            Mode::Quoted => self.quoted(),
            Mode::Heredoc { end, at_line_start } => self.heredoc(end, at_line_start),
            Mode::Bare => self.bare(),
        }
    }

    /// Takes the token that ends at a byte.
    fn push(&mut self, kind: TokenKind, end: usize) {
        self.tokens.push(Token { kind, start: self.at as u32, end: end as u32 });
        self.at = end;
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn language(&mut self, braces: usize) {
        use TokenKind as Kind;
        let (this, next) = (self.bytes[self.at], self.byte(1));
        let (kind, len) = match (this, next) {
            (b' ' | b'\t', _) => {
                let blanks = self.bytes[self.at..].iter().take_while(|byte| matches!(byte, b' ' | b'\t'));
                self.at += blanks.count();
                return;
            }
            (b'\n', _) => (Kind::Newline, 1),
            (b'\r', Some(b'\n')) => (Kind::Newline, 2),
            (b'#', _) | (b'/', Some(b'/')) => (Kind::Comment, self.line_end() - self.at),
            (b'/', Some(b'*')) => match self.text[self.at + 2..].find("*/") {
                Some(len) => (Kind::Comment, len + 4),
                None => (Kind::Invalid(Invalid::Character), self.text.len() - self.at),
            },
            (b'{', _) => {
                self.set_braces(braces + 1);
                (Kind::OpenBrace, 1)
            }
            (b'}', _) => return self.close(braces, 1),
            (b'~', Some(b'}')) => return self.close(braces, 2),
            (b'"', _) => {
                self.modes.push(Mode::Quoted);
                (Kind::OpenQuote, 1)
            }
            (b'<', Some(b'<')) => return self.open_heredoc(),
            (b'[', _) => (Kind::OpenBracket, 1),
            (b']', _) => (Kind::CloseBracket, 1),
            (b'(', _) => (Kind::OpenParenthesis, 1),
            (b')', _) => (Kind::CloseParenthesis, 1),
            (b'*', _) => (Kind::Star, 1),
            (b'/', _) => (Kind::Slash, 1),
            (b'+', _) => (Kind::Plus, 1),
            (b'-', _) => (Kind::Minus, 1),
            (b'%', _) => (Kind::Percent, 1),
            (b'=', Some(b'=')) => (Kind::EqualEqual, 2),
            (b'=', Some(b'>')) => (Kind::FatArrow, 2),
            (b'=', _) => (Kind::Equal, 1),
            (b'!', Some(b'=')) => (Kind::NotEqual, 2),
            (b'!', _) => (Kind::Bang, 1),
            (b'<', Some(b'=')) => (Kind::LessEqual, 2),
            (b'<', _) => (Kind::Less, 1),
            (b'>', Some(b'=')) => (Kind::GreaterEqual, 2),
            (b'>', _) => (Kind::Greater, 1),
            (b'&', Some(b'&')) => (Kind::And, 2),
            (b'|', Some(b'|')) => (Kind::Or, 2),
            (b'&' | b'|' | b'~' | b'^', _) => (Kind::Invalid(Invalid::Bitwise), 1),
            (b'.', Some(b'.')) if self.byte(2) == Some(b'.') => (Kind::Ellipsis, 3),
            (b'.', _) => (Kind::Dot, 1),
            (b',', _) => (Kind::Comma, 1),
            (b':', Some(b':')) => (Kind::DoubleColon, 2),
            (b':', _) => (Kind::Colon, 1),
            (b'?', _) => (Kind::Question, 1),
            (b';', _) => (Kind::Invalid(Invalid::Semicolon), 1),
            (b'`', _) => (Kind::Invalid(Invalid::Backtick), 1),
            (b'\'', _) => (Kind::Invalid(Invalid::Apostrophe), 1),
            (b'0'..=b'9', _) => (Kind::Number, self.number()),
            _ => match self.name(self.at) {
                0 => (Kind::Invalid(Invalid::Character), self.char_len()),
                len => (Kind::Name, len),
            },
        };
        self.push(kind, self.at + len);
    }

    fn set_braces(&mut self, braces: usize) {
        *self.modes.last_mut().expect("the first mode never ends") = Mode::Language { braces };
    }

    /// A brace that closes one, or the language itself where it stands in a template.
    fn close(&mut self, braces: usize, len: usize) {
        let mut kind = if len == 2 { TokenKind::SequenceEnd } else { TokenKind::CloseBrace };
        if braces == 0 && self.modes.len() > 1 {
            kind = TokenKind::SequenceEnd;
            self.modes.pop();
        } else {
            self.set_braces(braces.saturating_sub(1));
        }
        self.push(kind, self.at + len);
    }

    /// The byte behind the line break of this line, or the end of the text.
    fn line_end(&self) -> usize {
        self.text[self.at..].find('\n').map_or(self.text.len(), |len| self.at + len + 1)
    }

    /// The bytes of a name at a place, 0 for none.
    fn name(&self, at: usize) -> usize {
        let rest = &self.text[at..];
        if !rest.starts_with(starts_name) {
            return 0;
        }
        // Nearly all names are ASCII.
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        match rest.bytes().position(|byte| !is_plain(&byte)) {
            Some(end) if !rest.as_bytes()[end].is_ascii() => {
                rest.find(|char| !continues_name(char)).unwrap_or(rest.len())
            }
            end => end.unwrap_or(rest.len()),
        }
    }

    fn char_len(&self) -> usize {
        self.text[self.at..].chars().next().map_or(1, char::len_utf8)
    }

    /// The bytes of a number: digits, dots and exponents in any order, of which the last is no dot.
    fn number(&self) -> usize {
        let (mut len, mut whole) = (1, 1);
        loop {
            match (self.byte(len), self.byte(len + 1), self.byte(len + 2)) {
                (Some(b'0'..=b'9'), ..) => len += 1,
                (Some(b'e' | b'E'), Some(b'0'..=b'9'), _) => len += 2,
                (Some(b'e' | b'E'), Some(b'+' | b'-'), Some(b'0'..=b'9')) => len += 3,
                (Some(b'.'), ..) => {
                    len += 1;
                    continue;
                }
                _ => return whole,
            }
            whole = len;
        }
    }

    fn open_heredoc(&mut self) {
        let flush = usize::from(self.byte(2) == Some(b'-'));
        let start = self.at + 2 + flush;
        let end = start + self.name(start);
        let line_break = self.line_break(end);
        if end == start || line_break == 0 {
            return self.push(TokenKind::Less, self.at + 1);
        }
        self.modes.push(Mode::Heredoc { end: &self.text[start..end], at_line_start: true });
        self.push(TokenKind::OpenHeredoc, end + line_break);
    }

    /// A template's sequence, where one begins here.
    fn sequence(&mut self) -> bool {
        let kind = match (self.bytes[self.at], self.byte(1)) {
            (b'$', Some(b'{')) => TokenKind::Interpolation,
            (b'%', Some(b'{')) => TokenKind::Control,
            _ => return false,
        };
        if let Some(Mode::Heredoc { at_line_start, .. }) = self.modes.last_mut() {
            *at_line_start = false;
        }
        self.modes.push(Mode::Language { braces: 0 });
        self.push(kind, self.at + 2 + usize::from(self.byte(2) == Some(b'~')));
        true
    }

    /// The bytes of a `$` or `%` that begins no sequence: alone, or doubled before a brace.
    fn marker(&self) -> Option<usize> {
        let this = self.bytes[self.at];
        if !matches!(this, b'$' | b'%') {
            return None;
        }
        if self.byte(1) == Some(this) && self.byte(2) == Some(b'{') {
            return Some(3 + usize::from(self.byte(3) == Some(b'~')));
        }
        Some(1)
    }

    /// The same outside of quotes, where the scanner takes the byte behind it as well if the line ends there.
    fn marker_in_lines(&self) -> Option<usize> {
        let len = self.marker()?;
        let takes_next =
            len == 1 && self.byte(1).is_some_and(|byte| byte.is_ascii()) && self.line_break(self.at + 2) > 0;
        Some(if takes_next { 2 } else { len })
    }

    fn quoted(&mut self) {
        if self.sequence() {
            return;
        }
        if let Some(len) = self.marker() {
            return self.push(TokenKind::QuotedText, self.at + len);
        }
        match self.bytes[self.at] {
            b'"' => {
                self.modes.pop();
                return self.push(TokenKind::CloseQuote, self.at + 1);
            }
            b'\r' | b'\n' => return self.push(TokenKind::Invalid(Invalid::QuotedNewline), self.at + 1),
            _ => {}
        }
        let mut end = self.at;
        while let Some(byte) = self.bytes.get(end) {
            match byte {
                b'"' | b'$' | b'%' | b'\r' | b'\n' => break,
                b'\\' if matches!(self.bytes.get(end + 1), None | Some(b'\r' | b'\n')) => break,
                b'\\' => {
                    let escaped = self.text[end + 1..].chars().next();
                    end += 1 + escaped.map_or(0, char::len_utf8);
                }
                _ => end += 1,
            }
        }
        if end == self.at {
            return self.push(TokenKind::Invalid(Invalid::Character), end + 1);
        }
        self.push(TokenKind::QuotedText, end);
    }

    /// The end of the text up to a marker or a line break.
    fn text_end(&self) -> usize {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|byte| matches!(byte, b'$' | b'%' | b'\r' | b'\n'));
        self.at + end.unwrap_or(rest.len())
    }

    /// The bytes of the line break at a place.
    fn line_break(&self, at: usize) -> usize {
        match self.bytes.get(at..).unwrap_or_default() {
            [b'\n', ..] => 1,
            [b'\r', b'\n', ..] => 2,
            _ => 0,
        }
    }

    fn heredoc(&mut self, end_word: &'t str, at_line_start: bool) {
        if self.sequence() {
            return;
        }
        if let Some(len) = self.marker_in_lines() {
            self.set_line_start(false);
            return self.push(TokenKind::Text, self.at + len);
        }
        let end = self.text_end();
        let line_break = self.line_break(end);
        if line_break == 0 {
            if end == self.at {
                return self.push(TokenKind::Invalid(Invalid::Character), self.text.len());
            }
            self.set_line_start(false);
            return self.push(TokenKind::Text, end);
        }
        if at_line_start && self.text[self.at..end].trim() == end_word {
            self.modes.pop();
            self.push(TokenKind::CloseHeredoc, end);
            return self.push(TokenKind::Newline, end + line_break);
        }
        self.set_line_start(true);
        self.push(TokenKind::Text, end + line_break);
    }

    fn set_line_start(&mut self, now: bool) {
        if let Some(Mode::Heredoc { at_line_start, .. }) = self.modes.last_mut() {
            *at_line_start = now;
        }
    }

    fn bare(&mut self) {
        if self.sequence() {
            return;
        }
        if let Some(len) = self.marker_in_lines() {
            return self.push(TokenKind::Text, self.at + len);
        }
        let end = self.text_end();
        match self.line_break(end) {
            // The scanner cannot go on from a lone carriage return, and takes what is left as it stands.
            0 if end == self.at => self.push(TokenKind::Text, self.text.len()),
            line_break => self.push(TokenKind::Text, end + line_break),
        }
    }
}
