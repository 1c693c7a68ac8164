//! What stands inside of an action: pipelines, commands, operands.

use super::{
    super::{
        ast::{Command, Constant, Fields, Operand, OperandKind, Pipeline, Variable},
        constant::{self, number},
        lex::{Keyword, Token, TokenKind},
    },
    ParseError, Parser,
};
use crate::source::span::Span;

impl<'t> Parser<'t> {
    /// A pipeline through the token that closes it.
    pub(super) fn pipeline(&mut self, context: &str, close: TokenKind) -> Result<Pipeline, ParseError> {
        let start = self.peek().start;
        let mut variables = Vec::new();
        let assigns = self.variables(&mut variables, context)?;
        let (mut first, mut rest): (Option<Command>, Vec<Command>) = (None, Vec::new());
        loop {
            // A last `|` with nothing behind it is Go's to accept, and belongs to the pipeline.
            let end = self.end;
            let token = self.next();
            if token.kind == close {
                let Some(first) = first else {
                    return Err(self.fail(format!("missing value for {context}")));
                };
                if let Some(at) = rest.iter().position(|command| is_constant(&command.first.kind)) {
                    return Err(self.fail(format!("non executable command in pipeline stage {}", at + 2)));
                }
                let span = Span::new(start, end).into();
                return Ok(Pipeline { span, variables: variables.into(), assigns, first, rest: rest.into() });
            }
            if !starts_operand(token.kind) {
                return Err(self.unexpected(token, context));
            }
            self.put_back();
            let command = self.command()?;
            match first {
                None => first = Some(command),
                Some(_) => rest.push(command),
            }
        }
    }

    /// The variables that a pipeline sets; tells whether they are assigned rather than declared.
    fn variables(&mut self, variables: &mut Vec<Variable>, context: &str) -> Result<bool, ParseError> {
        loop {
            let variable = self.peek();
            if variable.kind != TokenKind::Variable {
                return Ok(false);
            }
            self.next();
            let next = self.peek();
            let separates = next.kind == TokenKind::Character && self.slice(next) == ",";
            if !separates && !matches!(next.kind, TokenKind::Assign | TokenKind::Declare) {
                self.put_back_two(variable);
                return Ok(false);
            }
            self.next();
            self.tree.variables.declare(self.slice(variable));
            variables.push(Variable(Span::new(variable.start, variable.end).into()));
            if !separates {
                return Ok(next.kind == TokenKind::Assign);
            }
            if context != "range" || variables.len() > 1 {
                return Err(self.fail(format!("too many declarations in {context}")));
            }
            let next = self.peek().kind;
            if !matches!(next, TokenKind::Variable | TokenKind::RightDelimiter | TokenKind::RightParenthesis) {
                return Err(self.fail("range can only initialize variables"));
            }
        }
    }

    /// Operands up to a `|`, which is taken, or a closing token, which is not.
    fn command(&mut self) -> Result<Command, ParseError> {
        self.count_part()?;
        let begin = self.operands.len();
        let mut first = None;
        loop {
            let operand = self.operand()?;
            let begins = operand.is_some();
            match operand {
                Some(operand) if first.is_none() => first = Some(operand),
                operand => self.operands.extend(operand),
            }
            let end = self.end;
            let token = self.next();
            match token.kind {
                TokenKind::Pipe => {}
                TokenKind::RightDelimiter | TokenKind::RightParenthesis => {
                    self.put_back();
                    self.end = end;
                }
                _ if begins && token.is_apart => {
                    self.put_back();
                    self.end = end;
                    continue;
                }
                _ => return Err(self.unexpected(token, "operand")),
            }
            let arguments: Box<[Operand]> = self.operands.drain(begin..).collect();
            let Some(first) = first else {
                return Err(self.fail("empty command"));
            };
            let span = Span::new(first.span().start, arguments.last().unwrap_or(&first).span().end).into();
            return Ok(Command { span, first, arguments });
        }
    }

    /// A term and the fields behind it; nothing where none begins.
    fn operand(&mut self) -> Result<Option<Operand>, ParseError> {
        let end = self.end;
        let token = self.next();
        let kind = match token.kind {
            TokenKind::Field => {
                self.count_part()?;
                OperandKind::Field(self.fields(token.start)?)
            }
            TokenKind::Variable => {
                let written = self.slice(token);
                if written != "$" && !self.tree.variables.contains(written) {
                    return Err(self.fail(format!("undefined variable {}", constant::quoted(written))));
                }
                self.count_part()?;
                let variable = Variable(Span::new(token.start, token.end).into());
                OperandKind::Variable { variable, fields: self.fields(token.end)? }
            }
            _ => {
                let Some(kind) = self.term(token)? else {
                    self.put_back();
                    self.end = end;
                    return Ok(None);
                };
                self.count_part()?;
                return self.chain(Operand { span: Span::new(token.start, self.end).into(), kind }).map(Some);
            }
        };
        Ok(Some(Operand { span: Span::new(token.start, self.end).into(), kind }))
    }

    /// The fields from a byte on, and those that follow, each right behind the other.
    fn fields(&mut self, start: usize) -> Result<Fields, ParseError> {
        while self.is_field_next() {
            self.count_part()?;
            self.next();
        }
        Ok(Fields(Span::new(start, self.end).into()))
    }

    /// Tells whether a field stands right behind the last token.
    fn is_field_next(&mut self) -> bool {
        let next = self.peek();
        next.kind == TokenKind::Field && !next.is_apart
    }

    /// A term that has no fields of its own, with those behind it.
    fn chain(&mut self, term: Operand) -> Result<Operand, ParseError> {
        if !self.is_field_next() {
            return Ok(term);
        }
        let fields = self.fields(term.span().end)?;
        if is_constant(&term.kind) {
            let written = constant::quoted(&self.text[term.span().range()]);
            let behind = Token { start: self.end, ..Token::END };
            return Err(self.fail_at(behind, format!("unexpected . after term {written}")));
        }
        let span = Span::new(term.span().start, self.end).into();
        Ok(Operand { span, kind: OperandKind::Chain { of: Box::new(term), fields } })
    }

    /// What a token begins that is neither a field nor a variable; nothing where it begins no term.
    fn term(&mut self, token: Token) -> Result<Option<OperandKind>, ParseError> {
        let written = self.slice(token);
        Ok(Some(match token.kind {
            TokenKind::Identifier if (self.is_function)(written) => OperandKind::Function,
            TokenKind::Identifier => {
                return Err(self.fail(format!("function {} not defined", constant::quoted(written))));
            }
            TokenKind::Keyword(Keyword::Dot) => OperandKind::Dot,
            TokenKind::Keyword(Keyword::Nil) => OperandKind::Nil,
            TokenKind::Bool => OperandKind::Bool(written == "true"),
            TokenKind::CharacterConstant => self.number(written, number::Shape::Character)?,
            TokenKind::Complex => self.number(written, number::Shape::Complex)?,
            TokenKind::Number => self.number(written, number::Shape::Plain)?,
            TokenKind::LeftParenthesis => {
                let close = TokenKind::RightParenthesis;
                OperandKind::Pipeline(Box::new(self.deeper(|parser| parser.pipeline("parenthesized pipeline", close))?))
            }
            TokenKind::PlainText => OperandKind::Text(Constant::default()),
            TokenKind::QuotedText | TokenKind::RawText => match constant::unquote(written) {
                Some(_) => OperandKind::Text(Constant::default()),
                None => return Err(self.fail("invalid syntax")),
            },
            _ => return Ok(None),
        }))
    }

    fn number(&mut self, written: &'t str, shape: number::Shape) -> Result<OperandKind, ParseError> {
        number::parse(written, shape)
            .map(|number| OperandKind::Number(Box::new(number)))
            .map_err(|message| self.fail(message))
    }
}

fn starts_operand(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::Bool
            | TokenKind::CharacterConstant
            | TokenKind::Complex
            | TokenKind::Keyword(Keyword::Dot | Keyword::Nil)
            | TokenKind::Field
            | TokenKind::Identifier
            | TokenKind::Number
            | TokenKind::PlainText
            | TokenKind::QuotedText
            | TokenKind::RawText
            | TokenKind::Variable
            | TokenKind::LeftParenthesis
    )
}

/// What can neither be called nor have fields.
fn is_constant(kind: &OperandKind) -> bool {
    matches!(
        kind,
        OperandKind::Bool(_) | OperandKind::Dot | OperandKind::Nil | OperandKind::Number(_) | OperandKind::Text(_)
    )
}
