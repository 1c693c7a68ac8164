//! The text of a file with its tokens: lines, indentation, commas.

use crate::source::{
    hcl::{
        lex::{Start, Token, TokenKind, tokens},
        tree::File,
    },
    span::Span,
};

/// A file and what it was read as.
pub(super) struct Page<'t> {
    /// The text.
    pub(super) text: &'t str,
    /// What it says.
    pub(super) file: &'t File,
    tokens: Vec<Token>,
}

impl<'t> Page<'t> {
    pub(super) fn of(text: &'t str, file: &'t File) -> Self {
        Self { text, file, tokens: tokens(text, Start::Language) }
    }

    /// The first byte of the line that a byte is on.
    pub(super) fn line_start(&self, at: usize) -> usize {
        self.text[..at]
            .rfind('\n')
            .map_or_else(|| if self.text.starts_with('\u{feff}') { 3.min(at) } else { 0 }, |found| found + 1)
    }

    /// The byte behind the line that a byte is on, line break included.
    pub(super) fn next_line(&self, at: usize) -> usize {
        self.text[at..].find('\n').map_or(self.text.len(), |found| at + found + 1)
    }

    /// The blanks that the line begins with that a byte is on.
    pub(super) fn indent(&self, at: usize) -> &'t str {
        let line = &self.text[self.line_start(at)..at];
        &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
    }

    /// Tells whether there are only blanks before a byte on its line.
    pub(super) fn begins_line(&self, at: usize) -> bool {
        self.text[self.line_start(at)..at].trim_start_matches([' ', '\t']).is_empty()
    }

    /// Tells whether nothing but blanks and a comment follows on the line.
    pub(super) fn ends_line(&self, at: usize) -> bool {
        let rest = &self.text[at..self.next_line(at)];
        let rest = rest.trim_start_matches([' ', '\t', '\r']);
        matches!(rest.as_bytes(), [] | [b'\n', ..] | [b'#', ..] | [b'/', b'/', ..])
            || rest.starts_with("/*") && rest.trim_end().ends_with("*/")
    }

    /// Tells whether a line break is within the bytes.
    pub(super) fn has_lines(&self, span: Span) -> bool {
        self.text[span.range()].contains('\n')
    }

    /// The line break of the file.
    pub(super) fn line_break(&self) -> &'static str {
        match self.text.find('\n') {
            Some(at) if self.text[..at].ends_with('\r') => "\r\n",
            _ => "\n",
        }
    }

    /// The comma that comes next, if nothing else comes before it but line breaks and comments.
    pub(super) fn comma_behind(&self, at: usize) -> Option<Span> {
        let from = self.tokens.partition_point(|token| (token.start as usize) < at);
        let next =
            self.tokens[from..].iter().find(|token| !matches!(token.kind, TokenKind::Newline | TokenKind::Comment))?;
        (next.kind == TokenKind::Comma).then(|| next.span())
    }

    /// Where an element ends: behind its comma, if it has one on the same line.
    pub(super) fn end_with_comma(&self, end: usize) -> usize {
        match self.comma_behind(end) {
            Some(comma) if !self.text[end..comma.start].contains('\n') => comma.end,
            _ => end,
        }
    }
}
