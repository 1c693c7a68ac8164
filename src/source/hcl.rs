//! HCL, the language of Terraform: read with the bytes of every part, never printed back.
//!
//! The reader accepts what HashiCorp's `hclsyntax` and `json` packages accept, which are its specification, and refuses what
//! they refuse, with their words. It takes time in proportion to the text.

pub mod edit;
pub mod identifier;
pub mod json;
pub mod lex;
pub mod literal;
pub mod parse;
pub mod tree;
pub mod walk;

use super::{
    span::{Span, line_of},
    tree::MAX_FILE_BYTES,
};
use lex::Start;
use parse::{Parser, Places};
use tree::{Expression, File, Template};

/// Why a text is no HCL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {summary}: {detail}")]
pub struct SyntaxError {
    /// Where.
    pub span: Span,
    /// The line of its first byte, from 1.
    pub line: usize,
    /// What is wrong, in HashiCorp's words.
    pub summary: &'static str,
    /// More of it.
    pub detail: String,
    /// Whether HashiCorp's reader would have gone on beyond a limit of this one.
    pub is_limit: bool,
}

/// Reads a file.
///
/// # Errors
/// The first thing that HashiCorp's reader refuses; or a limit: 5 MiB, or [`parse::MAX_DEPTH`].
pub fn parse(text: &str) -> Result<File, SyntaxError> {
    Parser::new(text, Start::Language, Places::Same)?.file()
}

/// Reads a text that is one expression, in which line breaks mean nothing.
///
/// # Errors
/// See [`parse`].
pub fn parse_expression(text: &str) -> Result<Expression, SyntaxError> {
    Parser::new(text, Start::Language, Places::Same)?.only_expression()
}

/// Reads a text that is a template as a whole, as a file for `templatefile` is.
///
/// # Errors
/// See [`parse`].
pub fn parse_template(text: &str) -> Result<Template, SyntaxError> {
    Parser::new(text, Start::Template, Places::Same)?.only_template()
}

impl SyntaxError {
    fn new(text: &str, span: Span, summary: &'static str, detail: impl Into<String>) -> Self {
        Self { span, line: line_of(text, span.start), summary, detail: detail.into(), is_limit: false }
    }

    fn limit(text: &str, span: Span, detail: impl Into<String>) -> Self {
        Self { is_limit: true, ..Self::new(text, span, "Beyond a limit", detail) }
    }

    /// Refuses a text that is too long to be read.
    fn check_size(text: &str) -> Result<(), Self> {
        if text.len() as u64 > MAX_FILE_BYTES {
            let detail = format!("{} bytes are more than the {MAX_FILE_BYTES} that are read", text.len());
            return Err(Self::limit("", Span::default(), detail));
        }
        Ok(())
    }
}
