//! Templates, as `hclsyntax/parser_template.go` reads them: first a flat list of pieces, in which `~` strips blanks and `<<-`
//! cuts the indent, then the directives with what is between them.

use super::{Parser, SyntaxError};
use crate::source::{
    hcl::{
        lex::{Token, TokenKind},
        literal::{self, Literal},
        tree::{Expression, ForDirective, Form, If, Name, Part, Template},
    },
    span::Span,
};

/// A piece of a template.
enum Piece {
    Text(Literal),
    Interpolation(Expression, Span),
    If(Expression, Span),
    Else(Span),
    EndIf(Span),
    For(Option<Name>, Name, Expression, Span),
    EndFor(Span),
}

/// What ends the parts of a directive.
enum End {
    Template,
    Else(Span),
    If(Span),
    For(Span),
}

impl Parser<'_> {
    /// A template without indent up to the token that ends it, which is taken.
    pub(super) fn template(&mut self, end: TokenKind) -> Result<Template, SyntaxError> {
        let pieces = self.pieces(end)?;
        let form = if end == TokenKind::End { Form::Bare } else { Form::Quoted };
        Ok(Template { form, parts: self.parts(pieces)? })
    }

    /// The heredoc whose first line was taken.
    pub(super) fn heredoc(&mut self, open: Token) -> Result<Template, SyntaxError> {
        let mut pieces = self.pieces(TokenKind::CloseHeredoc)?;
        let close = self.place(self.tokens[self.next - 1].span());
        let first_line = self.slice(open);
        let is_flush = first_line.starts_with("<<-");
        let start = open.start as usize + 2 + usize::from(is_flush);
        let word = self.place(Span::new(start, open.start as usize + first_line.trim_end().len()));
        let cut = is_flush.then(|| cut_indent(&mut pieces));
        Ok(Template { form: Form::Heredoc { word, cut, close }, parts: self.parts(pieces)? })
    }

    /// The pieces up to the token that ends them, which is taken.
    fn pieces(&mut self, end: TokenKind) -> Result<Vec<Piece>, SyntaxError> {
        let mut pieces: Vec<Piece> = Vec::new();
        let start = self.peek();
        // Whether the last sequence ended in `~}`.
        let mut strips_next = false;
        loop {
            let token = self.read();
            if token.kind == end {
                break;
            }
            let strips = std::mem::take(&mut strips_next);
            match token.kind {
                TokenKind::QuotedText | TokenKind::Text => {
                    let is_quoted = token.kind == TokenKind::QuotedText;
                    let mut text = self.cooked(token, if is_quoted { literal::quoted } else { literal::unquoted })?;
                    if strips {
                        text.cut_start(text.value.len() - text.value.trim_start().len());
                    }
                    pieces.push(Piece::Text(text));
                }
                TokenKind::Interpolation | TokenKind::Control => {
                    if self.slice(token).ends_with('~')
                        && let Some(Piece::Text(text)) = pieces.last_mut()
                    {
                        text.keep_start(text.value.trim_end().len());
                    }
                    let (piece, close) = self.with_newlines(false, |parser| parser.sequence(token))?;
                    strips_next = self.slice(close).starts_with('~');
                    pieces.push(piece);
                }
                _ => {
                    let detail = "No closing marker was found for the string.";
                    return Err(self.error(token, "Unterminated template string", detail));
                }
            }
        }
        if pieces.is_empty() {
            pieces.push(Piece::Text(Literal::new(start.start as usize)));
        }
        Ok(pieces)
    }

    /// The sequence whose opening was taken, and what closes it.
    fn sequence(&mut self, open: Token) -> Result<(Piece, Token), SyntaxError> {
        if open.kind == TokenKind::Interpolation {
            let value = self.expression()?;
            let close = self.sequence_end("Extra characters after interpolation expression")?;
            return Ok((Piece::Interpolation(value, self.between(open, close)), close));
        }
        let keyword = self.read();
        if keyword.kind != TokenKind::Name {
            let detail =
                "A template directive keyword (\"if\", \"for\", etc) is expected at the beginning of a %{ sequence.";
            return Err(self.error(keyword, "Invalid template directive", detail));
        }
        const EXTRA: &str = "Extra characters in directive";
        match self.slice(keyword) {
            "if" => {
                let test = self.expression()?;
                let close = self.sequence_end(EXTRA)?;
                Ok((Piece::If(test, self.between(open, close)), close))
            }
            "for" => {
                let (key_name, value_name) = self.iteration_names("Invalid 'for' directive")?;
                let collection = self.expression()?;
                let close = self.sequence_end(EXTRA)?;
                Ok((Piece::For(key_name, value_name, collection, self.between(open, close)), close))
            }
            word @ ("else" | "endif" | "endfor") => {
                let piece = match word {
                    "else" => Piece::Else,
                    "endif" => Piece::EndIf,
                    _ => Piece::EndFor,
                };
                let close = self.sequence_end(EXTRA)?;
                Ok((piece(self.between(open, close)), close))
            }
            word => {
                let detail = format!("{word:?} is not a valid template control keyword.");
                Err(self.error(keyword, "Invalid template control keyword", detail))
            }
        }
    }

    fn sequence_end(&mut self, summary: &'static str) -> Result<Token, SyntaxError> {
        let close = self.read();
        if close.kind != TokenKind::SequenceEnd {
            let detail = "Expected a closing brace to end the sequence, but found extra characters.";
            return Err(self.error(close, summary, detail));
        }
        Ok(close)
    }

    /// The pieces put together.
    fn parts(&mut self, pieces: Vec<Piece>) -> Result<Vec<Part>, SyntaxError> {
        let mut pieces = pieces.into_iter().peekable();
        let (parts, end) = self.parts_until(&mut pieces)?;
        match end {
            End::Template => Ok(parts),
            End::Else(span) => Err(self.unbalanced(span, "Unexpected else directive")),
            End::If(span) => Err(self.unbalanced(span, "Unexpected endif directive")),
            End::For(span) => Err(self.unbalanced(span, "Unexpected endfor directive")),
        }
    }

    fn unbalanced(&self, span: Span, summary: &'static str) -> SyntaxError {
        let detail = "The control directives within this template are unbalanced.";
        SyntaxError { span, ..self.error(self.tokens[self.next - 1], summary, detail) }
    }

    fn parts_until(&mut self, pieces: &mut Pieces) -> Result<(Vec<Part>, End), SyntaxError> {
        let mut parts = Vec::new();
        while let Some(piece) = pieces.next() {
            parts.push(match piece {
                Piece::Text(mut text) => {
                    while let Some(Piece::Text(next)) = pieces.next_if(|next| matches!(next, Piece::Text(_))) {
                        text.append(next);
                    }
                    Part::Text(text.finish(self.places))
                }
                Piece::Interpolation(value, span) => Part::Interpolation { value, span },
                Piece::If(test, open) => self.deeper(|parser| parser.if_directive(test, open, pieces))?,
                Piece::For(key_name, value_name, collection, open) => {
                    let (body, end) = self.deeper(|parser| parser.parts_until(pieces))?;
                    let End::For(close) = end else { return Err(self.unbalanced(open, "Missing endfor directive")) };
                    let span = Span::new(open.start, close.end);
                    Part::For(ForDirective { key_name, value_name, collection: Box::new(collection), body, span })
                }
                Piece::Else(span) => return Ok((parts, End::Else(span))),
                Piece::EndIf(span) => return Ok((parts, End::If(span))),
                Piece::EndFor(span) => return Ok((parts, End::For(span))),
            });
        }
        Ok((parts, End::Template))
    }

    fn if_directive(&mut self, test: Expression, open: Span, pieces: &mut Pieces) -> Result<Part, SyntaxError> {
        let (then, mut end) = self.parts_until(pieces)?;
        let mut otherwise = None;
        if let End::Else(_) = end {
            let (parts, next) = self.parts_until(pieces)?;
            (otherwise, end) = (Some(parts), next);
        }
        let End::If(close) = end else { return Err(self.unbalanced(open, "Missing endif directive")) };
        Ok(Part::If(If { test: Box::new(test), then, otherwise, span: Span::new(open.start, close.end) }))
    }
}

type Pieces = std::iter::Peekable<std::vec::IntoIter<Piece>>;

/// Cuts the indent of the least indented line from all lines, and tells how many characters that is.
///
/// The rule looks at pieces rather than at lines: where `~` has stripped the line break of one, the next begins no line.
fn cut_indent(pieces: &mut [Piece]) -> usize {
    let mut least: Option<usize> = None;
    let mut starts = Vec::new();
    let mut at_line_start = true;
    for (at, piece) in pieces.iter().enumerate() {
        if std::mem::take(&mut at_line_start) {
            let indent = match piece {
                Piece::Text(text) if text.value.ends_with('\n') && text.value.trim().is_empty() => None,
                Piece::Text(text) => {
                    starts.push(at);
                    Some(blanks(&text.value).count())
                }
                _ => Some(0),
            };
            least = match (least, indent) {
                (Some(least), Some(indent)) => Some(least.min(indent)),
                (least, indent) => least.or(indent),
            };
        }
        at_line_start = matches!(piece, Piece::Text(text) if text.value.ends_with('\n'));
    }
    let least = least.unwrap_or_default();
    for at in starts {
        if let Piece::Text(text) = &mut pieces[at] {
            let bytes = blanks(&text.value).take(least).sum();
            text.cut_start(bytes);
        }
    }
    least
}

/// The blanks that a text begins with, as many bytes as each has. A line break of two characters is one.
fn blanks(text: &str) -> impl Iterator<Item = usize> + '_ {
    let mut rest = text;
    std::iter::from_fn(move || {
        let len = match rest.chars().next() {
            Some('\r') if rest.starts_with("\r\n") => 2,
            Some(blank) if blank.is_whitespace() => blank.len_utf8(),
            _ => return None,
        };
        rest = &rest[len..];
        Some(len)
    })
}
