//! Text to tokens: where keys, values, entries, scalars and blocks begin and end.
//!
//! Whether a scalar is a map's key shows only at the `:` behind it. So tokens wait in a queue while the oldest of them may
//! still become a key; then the key token is put in front of it.

use std::collections::VecDeque;

use super::{
    MAX_DEPTH, ParseError, Problem,
    cursor::{Cursor, Mark},
};
use crate::source::{span::Span, yaml::tree::ScalarStyle};

/// A token and its bytes.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    /// Where it begins.
    pub(super) start: Mark,
    /// The byte after it. Tokens that stand for nothing written have no bytes.
    pub(super) end: usize,
}

#[derive(Debug, PartialEq)]
pub(super) enum TokenKind {
    StreamEnd,
    Version { major: u8, minor: u8 },
    TagDirective { handle: String, prefix: String },
    DocumentStart,
    DocumentEnd,
    BlockSequenceStart,
    BlockMappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    FlowEntry,
    BlockEntry,
    Key,
    Value,
    Alias(String),
    Anchor(String),
    Tag { handle: String, suffix: String },
    Scalar { style: ScalarStyle, text: String },
}

impl Token {
    /// How many lines go-yaml counts before it: the end is on a line of its own.
    pub(super) fn lines_before(&self) -> usize {
        self.start.line + usize::from(self.kind == TokenKind::StreamEnd && self.start.column > 0)
    }

    pub(super) fn span(&self) -> Span {
        Span::new(self.start.byte, self.end)
    }
}

/// A place where an implicit key may have begun; one for the block level and each flow level.
#[derive(Clone, Copy, Default)]
struct SimpleKey {
    possible: bool,
    /// In block context at the indentation of its map: there must be a `:`.
    required: bool,
    /// The number of its first token, counted from the start of the text.
    token: usize,
    mark: Mark,
}

/// The most characters of an implicit key, from its start to its `:`.
const MAX_KEY_CHARACTERS: usize = 1024;

/// Makes tokens when asked for.
pub(super) struct Scanner<'t> {
    pub(super) cursor: Cursor<'t>,
    /// All comments so far, also those ahead of the next token.
    pub(super) comments: Vec<Span>,
    /// The column of the innermost block collection; -1 outside of all.
    pub(super) indent: isize,
    indents: Vec<isize>,
    pub(super) flow_level: usize,
    /// Whether an implicit key may begin here.
    pub(super) key_allowed: bool,
    keys: Vec<SimpleKey>,
    queue: VecDeque<Token>,
    /// How many tokens have left the queue.
    taken: usize,
    /// Whether the oldest token cannot become a key any more, so that it may be taken.
    ready: bool,
}

impl<'t> Scanner<'t> {
    pub(super) fn new(text: &'t str) -> Result<Self, ParseError> {
        Ok(Self {
            cursor: Cursor::new(text)?,
            comments: Vec::new(),
            indent: -1,
            indents: Vec::new(),
            flow_level: 0,
            key_allowed: true,
            keys: vec![SimpleKey::default()],
            queue: VecDeque::new(),
            taken: 0,
            ready: false,
        })
    }

    /// The next token.
    #[inline]
    pub(super) fn peek(&mut self) -> Result<&Token, ParseError> {
        if !self.ready {
            self.fetch_until_ready()?;
        }
        Ok(&self.queue[0])
    }

    fn fetch_until_ready(&mut self) -> Result<(), ParseError> {
        while self.queue.is_empty() || self.may_become_key()? {
            self.fetch()?;
        }
        self.ready = true;
        Ok(())
    }

    /// Takes the next token.
    #[inline]
    pub(super) fn take(&mut self) -> Result<Token, ParseError> {
        self.peek()?;
        self.taken += 1;
        self.ready = false;
        Ok(self.queue.pop_front().expect("peek leaves a token in the queue"))
    }

    /// Tells whether the oldest token may still turn out to begin an implicit key.
    fn may_become_key(&mut self) -> Result<bool, ParseError> {
        match self.keys.iter().position(|key| key.possible && key.token == self.taken) {
            Some(level) => self.is_key_possible(level),
            None => Ok(false),
        }
    }

    fn is_key_possible(&mut self, level: usize) -> Result<bool, ParseError> {
        let (key, here) = (&mut self.keys[level], self.cursor.mark);
        if key.possible && (key.mark.line < here.line || key.mark.index + MAX_KEY_CHARACTERS < here.index) {
            if key.required {
                return Err(key.mark.syntax(NO_COLON).scanned(here, NO_COLON_IN_GO));
            }
            key.possible = false;
        }
        Ok(key.possible)
    }

    fn fetch(&mut self) -> Result<(), ParseError> {
        self.skip_to_token()?;
        let (mark, in_flow) = (self.cursor.mark, self.flow_level > 0);
        self.unroll(mark.column as isize);
        if self.cursor.is_end() {
            return self.fetch_end();
        }
        let (byte, spaced) = (self.cursor.peek(), self.cursor.is_space_at(1));
        match byte {
            b'%' if mark.column == 0 => self.fetch_directive(),
            b'-' if self.cursor.is_document_marker(b'-') => self.fetch_marker(TokenKind::DocumentStart),
            b'.' if self.cursor.is_document_marker(b'.') => self.fetch_marker(TokenKind::DocumentEnd),
            b'[' => self.fetch_flow_start(TokenKind::FlowSequenceStart),
            b'{' => self.fetch_flow_start(TokenKind::FlowMappingStart),
            b']' => self.fetch_flow_end(TokenKind::FlowSequenceEnd),
            b'}' => self.fetch_flow_end(TokenKind::FlowMappingEnd),
            b',' => {
                self.forget_key()?;
                self.key_allowed = true;
                self.push_indicator(TokenKind::FlowEntry);
                Ok(())
            }
            b'-' if spaced => self.fetch_block_entry(),
            b'?' if in_flow || spaced => self.fetch_key(),
            b':' if in_flow || spaced => self.fetch_value(),
            b'*' | b'&' => self.fetch_anchor(byte == b'*'),
            b'!' => {
                self.save_key()?;
                self.key_allowed = false;
                let (handle, suffix) = self.scan_tag()?;
                self.push(TokenKind::Tag { handle, suffix }, mark, self.cursor.mark.byte);
                Ok(())
            }
            b'|' | b'>' if !in_flow => {
                self.forget_key()?;
                self.key_allowed = true;
                let style = if byte == b'|' { ScalarStyle::Literal } else { ScalarStyle::Folded };
                let (text, end) = self.scan_block_scalar(style)?;
                self.push(TokenKind::Scalar { style, text }, mark, end);
                Ok(())
            }
            b'\'' | b'"' => {
                self.save_key()?;
                self.key_allowed = false;
                let style = if byte == b'"' { ScalarStyle::DoubleQuoted } else { ScalarStyle::SingleQuoted };
                let text = self.scan_quoted(style)?;
                self.push(TokenKind::Scalar { style, text }, mark, self.cursor.mark.byte);
                Ok(())
            }
            b'|' | b'>' | b'%' | b'@' | b'`' | b'\t' => {
                Err(mark.syntax(cannot_start(byte)).scanned(mark, "found character that cannot start any token"))
            }
            _ => {
                self.save_key()?;
                self.key_allowed = false;
                let (text, end) = self.scan_plain()?;
                self.push(TokenKind::Scalar { style: ScalarStyle::Plain, text }, mark, end);
                Ok(())
            }
        }
    }

    /// Moves over white space, comments and line breaks.
    fn skip_to_token(&mut self) -> Result<(), ParseError> {
        loop {
            if self.cursor.mark.column == 0 && self.cursor.char() == '\u{feff}' {
                return Err(self.cursor.mark.error(Problem::Character('\u{feff}')));
            }
            // A tab must not indent: it is white space only where no block key can begin.
            self.cursor.skip_while(|byte| byte == b' ');
            while self.cursor.peek() == b' '
                || self.cursor.peek() == b'\t' && (self.flow_level > 0 || !self.key_allowed)
            {
                self.cursor.skip();
            }
            self.skip_comment();
            if !self.cursor.is_break() {
                return Ok(());
            }
            self.cursor.skip_break();
            if self.flow_level == 0 {
                self.key_allowed = true;
            }
        }
    }

    /// Notes a comment that begins here.
    pub(super) fn skip_comment(&mut self) {
        let start = self.cursor.mark.byte;
        if self.cursor.peek() == b'#' {
            self.cursor.skip_line();
            self.comments.push(Span::new(start, self.cursor.mark.byte));
        }
    }

    pub(super) fn push(&mut self, kind: TokenKind, start: Mark, end: usize) {
        self.queue.push_back(Token { kind, start, end });
    }

    /// Adds the token of the one-byte indicator here.
    fn push_indicator(&mut self, kind: TokenKind) {
        let start = self.cursor.mark;
        self.cursor.skip();
        self.push(kind, start, self.cursor.mark.byte);
    }

    /// Remembers that an implicit key may begin here.
    pub(super) fn save_key(&mut self) -> Result<(), ParseError> {
        if self.key_allowed {
            let mark = self.cursor.mark;
            let required = self.flow_level == 0 && self.indent == mark.column as isize;
            self.forget_key()?;
            let token = self.taken + self.queue.len();
            *self.key() = SimpleKey { possible: true, required, token, mark };
        }
        Ok(())
    }

    /// Gives up the possible key of this level.
    pub(super) fn forget_key(&mut self) -> Result<(), ParseError> {
        let here = self.cursor.mark;
        let key = self.key();
        if key.possible && key.required {
            return Err(key.mark.syntax(NO_COLON).scanned(here, NO_COLON_IN_GO));
        }
        key.possible = false;
        Ok(())
    }

    fn key(&mut self) -> &mut SimpleKey {
        self.keys.last_mut().expect("the block level's key is never removed")
    }

    /// Begins a block collection at a column deeper than the current one. `token` is where its start token belongs; `None`
    /// is the end of the queue.
    fn roll(&mut self, kind: TokenKind, mark: Mark, token: Option<usize>) -> Result<(), ParseError> {
        let column = mark.column as isize;
        if self.flow_level > 0 || self.indent >= column {
            return Ok(());
        }
        if self.indents.len() >= MAX_DEPTH {
            return Err(mark.error(Problem::TooDeep));
        }
        self.indents.push(self.indent);
        self.indent = column;
        let at = token.map_or(self.queue.len(), |token| token - self.taken);
        self.queue.insert(at, Token { kind, start: mark, end: mark.byte });
        Ok(())
    }

    /// Ends the block collections that are deeper than a column.
    pub(super) fn unroll(&mut self, column: isize) {
        let mark = self.cursor.mark;
        while self.flow_level == 0 && self.indent > column {
            self.push(TokenKind::BlockEnd, mark, mark.byte);
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    fn fetch_end(&mut self) -> Result<(), ParseError> {
        let mark = self.cursor.mark;
        self.unroll(-1);
        self.forget_key().map_err(|error| {
            // go-yaml ends the last line here.
            let line = mark.line + usize::from(mark.column > 0);
            error.scanned(Mark { line, ..mark }, NO_COLON_IN_GO)
        })?;
        self.key_allowed = false;
        // The end also ends its line, so that no open bracket can still be a key.
        self.keys.iter_mut().for_each(|key| key.possible = false);
        self.push(TokenKind::StreamEnd, mark, mark.byte);
        Ok(())
    }

    fn fetch_marker(&mut self, kind: TokenKind) -> Result<(), ParseError> {
        self.unroll(-1);
        self.forget_key()?;
        self.key_allowed = false;
        let start = self.cursor.mark;
        (0..3).for_each(|_| self.cursor.skip());
        self.push(kind, start, self.cursor.mark.byte);
        Ok(())
    }

    fn fetch_flow_start(&mut self, kind: TokenKind) -> Result<(), ParseError> {
        self.save_key()?;
        if self.flow_level >= MAX_DEPTH {
            return Err(self.cursor.mark.error(Problem::TooDeep));
        }
        self.keys.push(SimpleKey::default());
        self.flow_level += 1;
        self.key_allowed = true;
        self.push_indicator(kind);
        Ok(())
    }

    fn fetch_flow_end(&mut self, kind: TokenKind) -> Result<(), ParseError> {
        self.forget_key()?;
        if self.flow_level > 0 {
            self.flow_level -= 1;
            self.keys.pop();
        }
        self.key_allowed = false;
        self.push_indicator(kind);
        Ok(())
    }

    fn fetch_block_entry(&mut self) -> Result<(), ParseError> {
        if self.flow_level == 0 {
            if !self.key_allowed {
                return Err(self
                    .cursor
                    .mark
                    .syntax("a list item cannot begin here; put its \"-\" on a line of its own")
                    .scanned(self.cursor.mark, "block sequence entries are not allowed in this context"));
            }
            self.roll(TokenKind::BlockSequenceStart, self.cursor.mark, None)?;
        }
        self.forget_key()?;
        self.key_allowed = true;
        self.push_indicator(TokenKind::BlockEntry);
        Ok(())
    }

    fn fetch_key(&mut self) -> Result<(), ParseError> {
        if self.flow_level == 0 {
            if !self.key_allowed {
                return Err(self
                    .cursor
                    .mark
                    .syntax("a key cannot begin here; put its \"?\" on a line of its own")
                    .scanned(self.cursor.mark, "mapping keys are not allowed in this context"));
            }
            self.roll(TokenKind::BlockMappingStart, self.cursor.mark, None)?;
        }
        self.forget_key()?;
        self.key_allowed = self.flow_level == 0;
        self.push_indicator(TokenKind::Key);
        Ok(())
    }

    fn fetch_value(&mut self) -> Result<(), ParseError> {
        if self.is_key_possible(self.keys.len() - 1)? {
            let key = *self.key();
            self.queue
                .insert(key.token - self.taken, Token { kind: TokenKind::Key, start: key.mark, end: key.mark.byte });
            self.roll(TokenKind::BlockMappingStart, key.mark, Some(key.token))?;
            self.key().possible = false;
            self.key_allowed = false;
        } else {
            if self.flow_level == 0 {
                if !self.key_allowed {
                    return Err(self.cursor.mark.syntax(
                        "a \": \" cannot stand here; quote the text that holds it, or put the key on a line of its own",
                    ).scanned(self.cursor.mark, "mapping values are not allowed in this context"));
                }
                self.roll(TokenKind::BlockMappingStart, self.cursor.mark, None)?;
            }
            self.key_allowed = self.flow_level == 0;
        }
        self.push_indicator(TokenKind::Value);
        Ok(())
    }

    fn fetch_anchor(&mut self, alias: bool) -> Result<(), ParseError> {
        self.save_key()?;
        self.key_allowed = false;
        let start = self.cursor.mark;
        self.cursor.skip();
        let name = self.scan_word().to_owned();
        let ended = self.cursor.is_space_at(0)
            || matches!(self.cursor.peek(), b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`');
        if name.is_empty() || !ended {
            return Err(start
                .syntax(if alias {
                    "an alias is \"*\" and a name of letters, digits, \"-\" and \"_\"; quote the text if none is meant"
                } else {
                    "an anchor is \"&\" and a name of letters, digits, \"-\" and \"_\"; quote the text if none is meant"
                })
                .scanned(self.cursor.mark, "did not find expected alphabetic or numeric character"));
        }
        let kind = if alias { TokenKind::Alias(name) } else { TokenKind::Anchor(name) };
        self.push(kind, start, self.cursor.mark.byte);
        Ok(())
    }
}

const NO_COLON_IN_GO: &str = "could not find expected ':'";

const NO_COLON: &str = "there is no \":\" after this key; add it, or indent the line to continue the value above";

/// The value of a hex digit.
pub(super) fn hex(byte: u8) -> Option<u32> {
    char::from(byte).to_digit(16)
}

fn cannot_start(byte: u8) -> &'static str {
    match byte {
        b'\t' => "a tab cannot indent; use spaces",
        b'@' | b'`' => "a value cannot begin with \"@\" or a backquote; quote it",
        b'%' => "a value cannot begin with \"%\"; quote it",
        b'|' | b'>' => "a block scalar cannot stand inside brackets; quote the text",
        _ => "a value cannot begin with this character; quote it",
    }
}
