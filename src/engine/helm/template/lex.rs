//! Template text cut into tokens, by the rules of Go 1.23's `text/template/parse/lex.go`.
//!
//! Go's rules are not what one would write down: `3k` is one bad number, `x}` a bad character, `{{-3}}` a number and
//! `{{- 3}}` a trimmed action. So this follows Go's state functions one by one, and keeps of every token its exact bytes.

use std::cell::OnceCell;

use regex::Regex;

use super::constant::{quoted, quoted_character};

/// A piece of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Its first byte. An action's delimiters are two bytes; the `-` and white space of trim markers belong to no token.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
    /// Whether white space stands before it, inside of an action.
    pub is_apart: bool,
}

impl Token {
    /// The end of a text that begins at its end.
    pub const END: Self = Self { kind: TokenKind::End, start: 0, end: 0, is_apart: false };
}

/// What a piece of a template is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// The lexer can go no further; [`Lexer::error`] says why.
    Error,
    /// `true` or `false`.
    Bool,
    /// A printable ASCII character that means nothing by itself; `,` matters in `range`.
    Character,
    /// `'x'`, not yet checked.
    CharacterConstant,
    /// `1+2i`.
    Complex,
    /// `=`
    Assign,
    /// `:=`
    Declare,
    /// The end of the text.
    End,
    /// `.x`
    Field,
    /// A function's name.
    Identifier,
    /// `{{`
    LeftDelimiter,
    /// `(`
    LeftParenthesis,
    /// A number, not yet checked.
    Number,
    /// `|`
    Pipe,
    /// A string in backquotes.
    RawText,
    /// `}}`
    RightDelimiter,
    /// `)`
    RightParenthesis,
    /// A string in double quotes that means the bytes that it says.
    PlainText,
    /// A string in double quotes with escapes, not yet checked.
    QuotedText,
    /// Text outside of actions, without what is trimmed.
    Text,
    /// `$` or `$x`.
    Variable,
    /// A word of the language, or `.`.
    Keyword(Keyword),
}

/// The words of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are the words")]
pub enum Keyword {
    Dot,
    Block,
    Break,
    Continue,
    Define,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

/// Cuts a text into tokens.
#[derive(Debug)]
pub struct Lexer<'t> {
    text: &'t str,
    at: usize,
    inside: bool,
    parentheses: usize,
    /// Whether `break` is a word of the language, rather than a function.
    breaks: bool,
    /// Whether `continue` is.
    continues: bool,
    error: String,
    letters: OnceCell<Regex>,
}

const LEFT: &str = "{{";
const RIGHT: &str = "}}";

/// A `-` and the white space on its inner side.
const TRIM_MARKER: usize = 2;

/// Where the next action begins.
fn find_left(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += text[at..].iter().position(|byte| *byte == b'{')?;
        if text[at..].starts_with(LEFT.as_bytes()) {
            return Some(at);
        }
        at += 1;
    }
}

impl<'t> Lexer<'t> {
    /// A lexer at the start of a text. `break` and `continue` are words of the language unless there are functions of that
    /// name.
    pub fn new(text: &'t str, is_function: &dyn Fn(&str) -> bool) -> Self {
        Self {
            text,
            at: 0,
            inside: false,
            parentheses: 0,
            breaks: !is_function("break"),
            continues: !is_function("continue"),
            error: String::new(),
            letters: OnceCell::new(),
        }
    }

    /// Why the last token is an error, in Go's words.
    pub fn error(&self) -> &str {
        &self.error
    }

    /// The next token. After the end there are only more ends; after an error nothing is defined.
    pub fn next_token(&mut self) -> Token {
        if self.inside { self.in_action() } else { self.in_text() }
    }

    fn token(&self, kind: TokenKind, start: usize) -> Token {
        Token { kind, start, end: self.at, is_apart: false }
    }

    fn fail(&mut self, start: usize, error: impl Into<String>) -> Token {
        self.error = error.into();
        let token = self.token(TokenKind::Error, start);
        self.at = self.text.len();
        token
    }

    fn in_text(&mut self) -> Token {
        loop {
            let start = self.at;
            let Some(length) = find_left(&self.text.as_bytes()[start..]) else {
                self.at = self.text.len();
                let kind = if start < self.at { TokenKind::Text } else { TokenKind::End };
                return self.token(kind, start);
            };
            let delimiter = start + length;
            let inner = delimiter + LEFT.len();
            let trims = self.text[inner..].strip_prefix('-').is_some_and(|rest| rest.starts_with(is_space));
            let text = &self.text[start..delimiter];
            let text = if trims { text.trim_end_matches(is_space) } else { text };
            if !text.is_empty() {
                self.at = delimiter;
                return Token { end: start + text.len(), ..self.token(TokenKind::Text, start) };
            }
            self.at = inner + if trims { TRIM_MARKER } else { 0 };
            if !self.text[self.at..].starts_with("/*") {
                self.inside = true;
                self.parentheses = 0;
                return Token { end: inner, ..self.token(TokenKind::LeftDelimiter, delimiter) };
            }
            if let Some(error) = self.comment() {
                return error;
            }
        }
    }

    /// Goes behind the comment whose `/*` is next; an error if it does not end as it must.
    fn comment(&mut self) -> Option<Token> {
        let start = self.at;
        let Some(length) = self.text[start + 2..].find("*/") else {
            return Some(self.fail(start, "unclosed comment"));
        };
        self.at = start + 2 + length + 2;
        match self.right_delimiter(self.at) {
            Some(marker) => {
                self.close(marker);
                None
            }
            None => Some(self.fail(start, "comment ends before closing delimiter")),
        }
    }

    /// The length of the trim marker of the right delimiter at a byte; nothing where there is no right delimiter.
    fn right_delimiter(&self, at: usize) -> Option<usize> {
        let bytes = &self.text.as_bytes()[at..];
        match bytes {
            [b'}', b'}', ..] => Some(0),
            [space, b'-', b'}', b'}', ..] if is_space(char::from(*space)) => Some(TRIM_MARKER),
            _ => None,
        }
    }

    /// Takes the right delimiter that is next, and the white space behind it that it trims.
    fn close(&mut self, marker: usize) -> Token {
        let start = self.at + marker;
        let end = start + RIGHT.len();
        self.at = end;
        if marker > 0 {
            let rest = &self.text[end..];
            self.at += rest.len() - rest.trim_start_matches(is_space).len();
        }
        self.inside = false;
        Token { end, ..self.token(TokenKind::RightDelimiter, start) }
    }

    fn in_action(&mut self) -> Token {
        let bytes = self.text.as_bytes();
        let before = self.at;
        while bytes.get(self.at).is_some_and(|byte| is_space(char::from(*byte))) {
            self.at += 1;
        }
        if self.at == before {
            return self.word_of_action();
        }
        // The last white space may belong to a trim marker.
        let token = match self.right_delimiter(self.at - 1) {
            Some(marker) => {
                self.at -= 1;
                self.right(self.at, marker)
            }
            None => self.word_of_action(),
        };
        Token { is_apart: true, ..token }
    }

    /// What stands here inside of an action, which is no white space.
    fn word_of_action(&mut self) -> Token {
        let start = self.at;
        let Some(first) = self.text.as_bytes().get(start).copied() else {
            return self.fail(start, "unclosed action");
        };
        match first {
            b'}' if self.text.as_bytes().get(start + 1) == Some(&b'}') => return self.right(start, 0),
            b'0'..=b'9' | b'+' | b'-' => return self.number(),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => return self.word(start),
            128.. => {
                let first = self.peek().unwrap_or_default();
                self.at += first.len_utf8();
                return match self.is_alphanumeric(first) {
                    true => self.word(start),
                    false => self.unrecognized(start, first),
                };
            }
            _ => self.at += 1,
        }
        match first {
            b'=' => self.token(TokenKind::Assign, start),
            b':' => {
                if self.peek() != Some('=') {
                    return self.fail(start, "expected :=");
                }
                self.at += 1;
                self.token(TokenKind::Declare, start)
            }
            b'|' => self.token(TokenKind::Pipe, start),
            b'"' => self.quoted('"', TokenKind::QuotedText, "unterminated quoted string"),
            b'`' => match self.text[self.at..].find('`') {
                Some(length) => {
                    self.at += length + 1;
                    self.token(TokenKind::RawText, start)
                }
                None => self.fail(start, "unterminated raw quoted string"),
            },
            b'$' => self.name(start, TokenKind::Variable, TokenKind::Variable),
            b'\'' => self.quoted('\'', TokenKind::CharacterConstant, "unterminated character constant"),
            // At the very end a dot is taken for a number; the parser refuses it.
            b'.' if self.text.as_bytes().get(self.at).is_none_or(u8::is_ascii_digit) => {
                self.at = start;
                self.number()
            }
            b'.' => self.name(start, TokenKind::Keyword(Keyword::Dot), TokenKind::Field),
            b'(' => {
                self.parentheses += 1;
                self.token(TokenKind::LeftParenthesis, start)
            }
            b')' => match self.parentheses.checked_sub(1) {
                Some(left) => {
                    self.parentheses = left;
                    self.token(TokenKind::RightParenthesis, start)
                }
                None => self.fail(start, "unexpected right paren"),
            },
            _ if first.is_ascii_graphic() => self.token(TokenKind::Character, start),
            _ => self.unrecognized(start, char::from(first)),
        }
    }

    fn unrecognized(&mut self, start: usize, character: char) -> Token {
        self.fail(start, format!("unrecognized character in action: {}", quoted_character(character)))
    }

    /// The right delimiter that begins at a byte, its trim marker included.
    fn right(&mut self, start: usize, marker: usize) -> Token {
        match self.parentheses {
            0 => self.close(marker),
            _ => self.fail(start, "unclosed left paren"),
        }
    }

    fn word(&mut self, start: usize) -> Token {
        self.skip_alphanumeric();
        if let Some(error) = self.bad_character(start) {
            return error;
        }
        let word = &self.text[start..self.at];
        let kind = match word {
            // The longest is `continue`, `template`.
            _ if word.len() > 8 => TokenKind::Identifier,
            "block" => TokenKind::Keyword(Keyword::Block),
            "break" if self.breaks => TokenKind::Keyword(Keyword::Break),
            "continue" if self.continues => TokenKind::Keyword(Keyword::Continue),
            "define" => TokenKind::Keyword(Keyword::Define),
            "else" => TokenKind::Keyword(Keyword::Else),
            "end" => TokenKind::Keyword(Keyword::End),
            "if" => TokenKind::Keyword(Keyword::If),
            "nil" => TokenKind::Keyword(Keyword::Nil),
            "range" => TokenKind::Keyword(Keyword::Range),
            "template" => TokenKind::Keyword(Keyword::Template),
            "with" => TokenKind::Keyword(Keyword::With),
            "true" | "false" => TokenKind::Bool,
            _ => TokenKind::Identifier,
        };
        self.token(kind, start)
    }

    /// The rest of what begins with `.` or `$`, and may be nothing but that.
    fn name(&mut self, start: usize, bare: TokenKind, named: TokenKind) -> Token {
        if self.at_terminator() {
            return self.token(bare, start);
        }
        self.skip_alphanumeric();
        match self.bad_character(start) {
            Some(error) => error,
            None => self.token(named, start),
        }
    }

    /// An error unless a name may end here.
    fn bad_character(&mut self, start: usize) -> Option<Token> {
        if self.at_terminator() {
            return None;
        }
        let next = self.peek()?;
        Some(self.fail(start, format!("bad character {}", quoted_character(next))))
    }

    #[inline]
    fn at_terminator(&self) -> bool {
        match &self.text.as_bytes()[self.at..] {
            [] | [b' ' | b'\t' | b'\r' | b'\n' | b'.' | b',' | b'|' | b':' | b')' | b'(', ..] => true,
            rest => rest.starts_with(RIGHT.as_bytes()),
        }
    }

    /// The rest of a string or character constant; what is in it the parser checks.
    fn quoted(&mut self, quote: char, kind: TokenKind, unterminated: &str) -> Token {
        let start = self.at - 1;
        let plain = |byte: &u8| byte.is_ascii() && !matches!(byte, b'"' | b'\'' | b'\\' | b'\n');
        self.at += self.text.as_bytes()[self.at..].iter().take_while(|byte| plain(byte)).count();
        if quote == '"' && self.text.as_bytes().get(self.at) == Some(&b'"') {
            self.at += 1;
            return self.token(TokenKind::PlainText, start);
        }
        let mut characters = self.text[self.at..].char_indices();
        while let Some((length, mut character)) = characters.next() {
            if character == quote {
                self.at += length + 1;
                return self.token(kind, start);
            }
            if character == '\\' {
                character = characters.next().map_or('\n', |(_, escaped)| escaped);
            }
            if character == '\n' {
                break;
            }
        }
        self.fail(start, unterminated)
    }

    fn number(&mut self) -> Token {
        let start = self.at;
        let mut complete = self.scan_number();
        let kind = if complete && matches!(self.peek(), Some('+' | '-')) {
            complete = self.scan_number() && self.text[..self.at].ends_with('i');
            TokenKind::Complex
        } else {
            TokenKind::Number
        };
        if !complete {
            return self.fail(start, format!("bad number syntax: {}", quoted(&self.text[start..self.at])));
        }
        self.token(kind, start)
    }

    /// Goes behind a number and tells whether nothing alphanumeric follows; what is one the parser checks.
    fn scan_number(&mut self) -> bool {
        const DECIMAL: &str = "0123456789_";
        const HEXADECIMAL: &str = "0123456789abcdefABCDEF_";
        self.accept("+-");
        let mut digits = DECIMAL;
        if self.accept("0") {
            if self.accept("xX") {
                digits = HEXADECIMAL;
            } else if self.accept("oO") {
                digits = "01234567_";
            } else if self.accept("bB") {
                digits = "01_";
            }
        }
        self.accept_all(digits);
        if self.accept(".") {
            self.accept_all(digits);
        }
        if digits == DECIMAL && self.accept("eE") || digits == HEXADECIMAL && self.accept("pP") {
            self.accept("+-");
            self.accept_all(DECIMAL);
        }
        self.accept("i");
        match self.peek() {
            Some(next) if self.is_alphanumeric(next) => {
                self.at += next.len_utf8();
                false
            }
            _ => true,
        }
    }

    #[inline]
    fn peek(&self) -> Option<char> {
        match self.text.as_bytes().get(self.at) {
            Some(byte) if byte.is_ascii() => Some(char::from(*byte)),
            _ => self.text[self.at..].chars().next(),
        }
    }

    fn accept(&mut self, valid: &str) -> bool {
        let accepted = self.text.as_bytes().get(self.at).is_some_and(|byte| valid.as_bytes().contains(byte));
        self.at += usize::from(accepted);
        accepted
    }

    fn accept_all(&mut self, valid: &str) {
        while self.accept(valid) {}
    }

    fn skip_alphanumeric(&mut self) {
        let bytes = self.text.as_bytes();
        loop {
            let rest = &bytes[self.at..];
            let plain = rest.iter().position(|byte| !ALPHANUMERIC[usize::from(*byte)]).unwrap_or(rest.len());
            self.at += plain;
            if rest.get(plain).is_none_or(u8::is_ascii) {
                return;
            }
            match self.peek() {
                Some(next) if self.is_alphanumeric(next) => self.at += next.len_utf8(),
                _ => return,
            }
        }
    }

    /// Go's `unicode.IsLetter` or `IsDigit`, in the Unicode version of Go 1.23, or `_`.
    fn is_alphanumeric(&self, character: char) -> bool {
        if character.is_ascii() {
            return character == '_' || character.is_ascii_alphanumeric();
        }
        let letters = self.letters.get_or_init(|| {
            Regex::new(r"^[[\p{L}\p{Nd}]&&\p{age=15.0}]$").expect("the classes exist in every Unicode version since 15")
        });
        letters.is_match(character.encode_utf8(&mut [0; 4]))
    }
}

/// The bytes that are a letter, a digit or `_` by themselves.
const ALPHANUMERIC: [bool; 256] = {
    let (mut table, mut byte) = ([false; 256], 0);
    while byte < 128 {
        table[byte] = (byte as u8).is_ascii_alphanumeric() || byte as u8 == b'_';
        byte += 1;
    }
    table
};

/// What Go takes for white space in templates.
fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n')
}
