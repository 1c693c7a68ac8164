//! Reads YAML by go-yaml's rules.
//!
//! Kubernetes, Helm and Kustomize read YAML through forks of go-yaml (v2 in `sigs.k8s.io/yaml`, v3 in kyaml), which are ports
//! of libyaml: YAML 1.1 line breaks, implicit keys on one line and within 1,024 characters, no tabs where a block key may
//! start, quoted scalars that may continue at their parent's column. A parser with other rules would let an edit through
//! that the cluster's tool reads differently. Scanner and parser of the two forks accept the same texts (v3 only adds the
//! attachment of comments), so there is one parser here; where the forks read a *value* differently, [`super::resolve`]
//! asks for the reader.
//!
//! Stricter than go-yaml, on texts that are mistakes wherever they were seen:
//! - Nesting ends at [`MAX_DEPTH`].
//! - The whole file must be well formed. Go's `Unmarshal`, and so `helm` and `kubectl` for each document, stops reading behind
//!   the first value and takes `{a: 1}}` or a second, less indented map for nothing; Kustomize refuses them.
//! - A byte order mark at the start of a later line is refused. go-yaml reads it as text or skips it, depending on where its
//!   buffer happened to end.
//! - A tab between a complex value's `:` and a comment is refused, as v2 does and v3 does not.
//!
//! `kubectl` and Kustomize cut a file at lines that begin with `---` before they parse. Where a document begins on such a line
//! (`--- {a: 1}`), which `kubectl` refuses, the marker's span and the root's lie on one line.

mod compose;
mod cursor;
mod scalar;
mod scan;
mod tag;

use std::fmt;

use self::cursor::Mark;
use super::tree::Stream;

/// The most bytes that are parsed.
pub const MAX_BYTES: usize = crate::source::tree::MAX_FILE_BYTES as usize;

/// The deepest nesting of lists and maps; go-yaml stops at 10,000, files of people at about 30.
pub const MAX_DEPTH: usize = 128;

/// The most nodes of one file. A file of [`MAX_BYTES`] written line by line has about half of them.
pub const MAX_NODES: usize = 250_000;

/// The most aliases of one file.
pub const MAX_ALIASES: usize = 10_000;

/// Why a text is not read, and where.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("line {line}, column {column}: {problem}")]
pub struct ParseError {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong there.
    pub problem: Problem,
    /// What go-yaml says of it; absent where this parser is stricter.
    pub go: Option<GoError>,
}

/// An error in go-yaml's words, which `fromYaml` hands to templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GoError {
    /// The line as go-yaml counts it: the parser's errors name the line before, and the first line is not named at all.
    pub line: usize,
    /// Its words.
    pub words: &'static str,
}

impl fmt::Display for GoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(self.words),
            line => write!(f, "line {line}: {}", self.words),
        }
    }
}

impl ParseError {
    /// The error as go-yaml's scanner words it, which counts to the line where it stopped.
    fn scanned(self, stopped: Mark, words: &'static str) -> Self {
        let line = if stopped.line == 0 { 0 } else { stopped.line + 1 };
        Self { go: Some(GoError { line, words }), ..self }
    }

    /// The error as go-yaml's parser words it, which counts the lines before the token that it did not expect.
    fn parsed(self, line: usize, words: &'static str) -> Self {
        Self { go: Some(GoError { line, words }), ..self }
    }
}

/// What is wrong with a text.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Problem {
    /// It breaks a rule of the grammar; the words say which and what to do.
    #[error("{0}")]
    Syntax(&'static str),
    /// A character that YAML allows nowhere, not even in a comment.
    #[error("the character U+{:04X} is not allowed in YAML; remove it or write it as an escape in double quotes", u32::from(*.0))]
    Character(char),
    /// An escape that go-yaml does not know, such as `\/`.
    #[error("\"\\{0}\" is no escape that Go knows; double the backslash or use single quotes")]
    Escape(char),
    /// An alias without an anchor before it.
    #[error("the alias \"*{0}\" has no anchor \"&{0}\" before it in this document")]
    UnknownAnchor(String),
    /// A tag's handle without its `%TAG` line.
    #[error("the tag handle {0:?} is not declared by a %TAG line")]
    UnknownHandle(String),
    /// Larger than [`MAX_BYTES`].
    #[error("the text has {0} bytes, more than the {MAX_BYTES} that are read")]
    TooLarge(usize),
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("lists and maps are nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// More than [`MAX_NODES`].
    #[error("the file has more than {MAX_NODES} values")]
    TooManyNodes,
    /// More than [`MAX_ALIASES`].
    #[error("the file has more than {MAX_ALIASES} aliases")]
    TooManyAliases,
}

/// Reads a file. The documents' spans tile the text; an empty text is one empty document.
pub fn parse(text: &str) -> Result<Stream, ParseError> {
    if text.len() > MAX_BYTES {
        return Err(ParseError { line: 1, column: 1, problem: Problem::TooLarge(text.len()), go: None });
    }
    compose::stream(text)
}

/// Reads a file of which only the first document counts, as Go's `Unmarshal` does: what is wrong behind it is not looked at,
/// and what is behind it is left out then.
pub fn parse_first(text: &str) -> Result<Stream, ParseError> {
    parse(text).or_else(|_| compose::first(text))
}

/// Tells whether a text seems to be a template of YAML rather than YAML: it has a line that is only a Go template action
/// (`{{- if … }}`), or a value that begins with one (`a: {{ x }}`), which YAML reads as a map used as a map's key.
/// Actions inside quotes, block scalars or after other text (`host: x-{{ y }}`) are ordinary text and do not count.
pub fn looks_templated(text: &str) -> bool {
    text.lines().any(|line| {
        let mut line = line.trim_start_matches([' ', '\t', '\u{feff}']);
        while let Some(rest) = line.strip_prefix("- ") {
            line = rest.trim_start();
        }
        let value = line.split_once(": ").filter(|(key, _)| !key.starts_with(['#', '\'', '"'])).map(|(_, value)| value);
        line.starts_with("{{") || value.is_some_and(|value| value.trim_start().starts_with("{{"))
    })
}
