//! Expressions.

use std::sync::Arc;

use super::{Parser, SyntaxError};
use crate::source::{
    hcl::{
        lex::{Token, TokenKind},
        tree::{
            Call, Conditional, Expression, ExpressionKind, For, Key, Name, Object, ObjectItem, Operand, Operation,
            Operator, Separator, Step, StepKind, Unary,
        },
    },
    span::Span,
};

/// The levels of precedence, from the weakest.
const LEVELS: usize = 6;

/// The operator that a token is, and its level of precedence.
fn operator(kind: TokenKind) -> Option<(Operator, usize)> {
    Some(match kind {
        TokenKind::Or => (Operator::Or, 0),
        TokenKind::And => (Operator::And, 1),
        TokenKind::EqualEqual => (Operator::Equal, 2),
        TokenKind::NotEqual => (Operator::NotEqual, 2),
        TokenKind::Greater => (Operator::Greater, 3),
        TokenKind::GreaterEqual => (Operator::GreaterEqual, 3),
        TokenKind::Less => (Operator::Less, 3),
        TokenKind::LessEqual => (Operator::LessEqual, 3),
        TokenKind::Plus => (Operator::Add, 4),
        TokenKind::Minus => (Operator::Subtract, 4),
        TokenKind::Star => (Operator::Multiply, 5),
        TokenKind::Slash => (Operator::Divide, 5),
        TokenKind::Percent => (Operator::Modulo, 5),
        _ => return None,
    })
}

impl Parser<'_> {
    /// Any expression.
    pub(super) fn expression(&mut self) -> Result<Expression, SyntaxError> {
        self.deeper(Self::conditional)
    }

    fn conditional(&mut self) -> Result<Expression, SyntaxError> {
        let test = self.operation()?;
        if self.take(TokenKind::Question).is_none() {
            return Ok(test);
        }
        let then = self.expression()?;
        let colon = self.read();
        if colon.kind != TokenKind::Colon {
            let detail = "The conditional operator (...?...:...) requires a false expression, delimited by a colon.";
            return Err(self.error(colon, "Missing false expression in conditional", detail));
        }
        let otherwise = self.expression()?;
        let span = Span::new(test.span.start, otherwise.span.end);
        Ok(Expression { span, kind: ExpressionKind::Conditional(Box::new(Conditional { test, then, otherwise })) })
    }

    /// Operands with operators between them. Most expressions have none, which one look ahead tells.
    fn operation(&mut self) -> Result<Expression, SyntaxError> {
        let first = self.operand()?;
        if operator(self.peek().kind).is_none() {
            return Ok(first);
        }
        self.operations(0, first)
    }

    /// Operands with operators of a level of precedence or stronger between them, the first of which was read.
    fn operations(&mut self, level: usize, first: Expression) -> Result<Expression, SyntaxError> {
        if level == LEVELS {
            return Ok(first);
        }
        let first = self.operations(level + 1, first)?;
        let mut rest = Vec::new();
        while let Some((operator, _)) = operator(self.peek().kind).filter(|(_, found)| *found == level) {
            let token = self.read();
            let value = self.operand()?;
            let value = self.operations(level + 1, value)?;
            rest.push(Operand { operator, operator_span: self.place(token.span()), value });
        }
        let Some(last) = rest.last() else { return Ok(first) };
        let span = Span::new(first.span.start, last.value.span.end);
        Ok(Expression { span, kind: ExpressionKind::Operation(Box::new(Operation { first, rest })) })
    }

    /// A value with what follows it.
    fn operand(&mut self) -> Result<Expression, SyntaxError> {
        let of = self.term()?;
        let steps = self.steps()?;
        let Some(last) = steps.last() else { return Ok(of) };
        let span = Span::new(of.span.start, last.span.end);
        Ok(Expression { span, kind: ExpressionKind::Steps { of: Box::new(of), steps } })
    }

    fn term(&mut self) -> Result<Expression, SyntaxError> {
        let start = self.read();
        let kind = match start.kind {
            TokenKind::OpenParenthesis => {
                let (inner, close) = self.with_newlines(false, |parser| {
                    let inner = parser.expression()?;
                    let close = parser.read();
                    if close.kind != TokenKind::CloseParenthesis {
                        let detail = "Expected a closing parenthesis to terminate the expression.";
                        return Err(parser.error(close, "Unbalanced parentheses", detail));
                    }
                    Ok((inner, close))
                })?;
                let kind = ExpressionKind::Parenthesis(Box::new(inner));
                return Ok(Expression { span: self.between(start, close), kind });
            }
            TokenKind::Number => ExpressionKind::Number(self.number(start)?),
            TokenKind::Name if matches!(self.peek().kind, TokenKind::OpenParenthesis | TokenKind::DoubleColon) => {
                return self.call(start);
            }
            TokenKind::Name => match self.slice(start) {
                "true" => ExpressionKind::Bool(true),
                "false" => ExpressionKind::Bool(false),
                "null" => ExpressionKind::Null,
                _ => ExpressionKind::Variable(self.name(start)),
            },
            TokenKind::OpenQuote => {
                let template = self.template(TokenKind::CloseQuote)?;
                let span = self.between(start, self.tokens[self.next - 1]);
                return Ok(Expression { span, kind: ExpressionKind::Template(template) });
            }
            TokenKind::OpenHeredoc => {
                let template = self.heredoc(start)?;
                let span = self.between(start, self.tokens[self.next - 1]);
                return Ok(Expression { span, kind: ExpressionKind::Template(template) });
            }
            TokenKind::Minus => return self.unary(start, Unary::Minus),
            TokenKind::Bang => return self.unary(start, Unary::Not),
            TokenKind::OpenBracket => return self.with_newlines(false, |parser| parser.tuple(start)),
            TokenKind::OpenBrace => return self.object(start),
            TokenKind::End => {
                let detail = "Expected the start of an expression, but found the end of the file.";
                return Err(self.error(start, "Missing expression", detail));
            }
            _ => {
                let detail = "Expected the start of an expression, but found an invalid expression token.";
                return Err(self.error(start, "Invalid expression", detail));
            }
        };
        Ok(Expression { span: self.place(start.span()), kind })
    }

    fn unary(&mut self, start: Token, operator: Unary) -> Result<Expression, SyntaxError> {
        let operand = self.deeper(Self::operand)?;
        let span = Span::new(self.place(start.span()).start, operand.span.end);
        Ok(Expression { span, kind: ExpressionKind::Unary { operator, operand: Box::new(operand) } })
    }

    /// The number that a token is: the scanner also takes what only looks like one.
    fn number(&self, token: Token) -> Result<Arc<str>, SyntaxError> {
        let text = self.slice(token);
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, ""));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if !digits(whole) || !digits(fraction) || !digits(exponent.trim_start_matches(['+', '-'])) {
            let detail = "Failed to recognize the value of this number literal.";
            return Err(self.error(token, "Invalid number literal", detail));
        }
        Ok(text.into())
    }

    /// The call whose name, or the first part of it, was taken.
    fn call(&mut self, first: Token) -> Result<Expression, SyntaxError> {
        let (mut last, mut open) = (first, self.read());
        let mut text = self.slice(first).to_owned();
        while open.kind == TokenKind::DoubleColon {
            last = self.read();
            if last.kind != TokenKind::Name {
                let detail = "Function scope resolution symbol :: must be followed by a function name in this scope.";
                return Err(self.error(last, "Missing function name", detail));
            }
            text += "::";
            text += self.slice(last);
            open = self.read();
        }
        if open.kind != TokenKind::OpenParenthesis {
            let detail = "Function selector must be followed by an open parenthesis to begin the function call.";
            return Err(self.error(open, "Missing open parenthesis", detail));
        }
        let name = Name { text: text.into(), span: self.between(first, last) };
        let (arguments, spread, close) = self.with_newlines(false, Self::arguments)?;
        let span = self.between(first, close);
        let (open, close) = (self.place(open.span()), self.place(close.span()));
        Ok(Expression { span, kind: ExpressionKind::Call(Call { name, arguments, spread, open, close }) })
    }

    /// Arguments up to the closing parenthesis, which is taken.
    fn arguments(&mut self) -> Result<(Vec<Expression>, Option<Span>, Token), SyntaxError> {
        let mut arguments = Vec::new();
        loop {
            if let Some(close) = self.take(TokenKind::CloseParenthesis) {
                return Ok((arguments, None, close));
            }
            arguments.push(self.expression()?);
            let separator = self.read();
            match separator.kind {
                TokenKind::CloseParenthesis => return Ok((arguments, None, separator)),
                TokenKind::Comma => {}
                TokenKind::Ellipsis => {
                    let close = self.read();
                    if close.kind != TokenKind::CloseParenthesis {
                        let detail = "An expanded function argument (with ...) must be immediately followed by closing \
                                      parentheses.";
                        return Err(self.error(separator, "Missing closing parenthesis", detail));
                    }
                    return Ok((arguments, Some(self.place(separator.span())), close));
                }
                TokenKind::End => {
                    let detail = "There is no closing parenthesis for this function call before the end of the file.";
                    return Err(self.error(separator, "Unterminated function call", detail));
                }
                _ => {
                    let detail = "A comma is required to separate each function argument from the next.";
                    return Err(self.error(separator, "Missing argument separator", detail));
                }
            }
        }
    }

    /// The tuple whose bracket was taken.
    fn tuple(&mut self, open: Token) -> Result<Expression, SyntaxError> {
        if self.is_word("for") {
            return self.for_expression(open, TokenKind::CloseBracket);
        }
        let mut items = Vec::new();
        let close = loop {
            if let Some(close) = self.take(TokenKind::CloseBracket) {
                break close;
            }
            items.push(self.expression()?);
            let separator = self.read();
            match separator.kind {
                TokenKind::CloseBracket => break separator,
                TokenKind::Comma => {}
                TokenKind::End => {
                    let detail = "There is no corresponding closing bracket before the end of the file.";
                    return Err(self.error(open, "Unterminated tuple constructor expression", detail));
                }
                _ => {
                    let detail = "Expected a comma to mark the beginning of the next item.";
                    return Err(self.error(separator, "Missing item separator", detail));
                }
            }
        };
        Ok(Expression { span: self.between(open, close), kind: ExpressionKind::Tuple(items) })
    }

    /// The object whose brace was taken.
    fn object(&mut self, open: Token) -> Result<Expression, SyntaxError> {
        // Line breaks separate items, but mean nothing where it turns out to be a `for`.
        if self.with_newlines(false, |parser| Ok(parser.is_word("for")))? {
            return self.with_newlines(false, |parser| parser.for_expression(open, TokenKind::CloseBrace));
        }
        let (items, close) = self.with_newlines(true, |parser| parser.object_items(open))?;
        let kind = ExpressionKind::Object(Object { items, is_json: false });
        Ok(Expression { span: self.between(open, close), kind })
    }

    fn object_items(&mut self, open: Token) -> Result<(Vec<ObjectItem>, Token), SyntaxError> {
        let mut items = Vec::new();
        loop {
            if self.take(TokenKind::Newline).is_some() {
                continue;
            }
            if let Some(close) = self.take(TokenKind::CloseBrace) {
                return Ok((items, close));
            }
            items.push(self.object_item(open)?);
            let next = self.read();
            match next.kind {
                TokenKind::CloseBrace => return Ok((items, next)),
                TokenKind::Comma | TokenKind::Newline => {}
                TokenKind::End => return Err(self.open_object(open)),
                _ => {
                    let detail = "Expected a newline or comma to mark the beginning of the next attribute.";
                    return Err(self.error(next, "Missing attribute separator", detail));
                }
            }
        }
    }

    fn open_object(&self, open: Token) -> SyntaxError {
        let detail = "There is no corresponding closing brace before the end of the file.";
        self.error(open, "Unterminated object constructor expression", detail)
    }

    fn object_item(&mut self, open: Token) -> Result<ObjectItem, SyntaxError> {
        let start = self.peek();
        let key = self.expression()?;
        let key = match key.kind {
            ExpressionKind::Variable(name) => Key::Name(name),
            // These words are names here.
            ExpressionKind::Null | ExpressionKind::Bool(_) => Key::Name(self.name(start)),
            _ => Key::Expression(key),
        };
        let next = self.read();
        let separator = match next.kind {
            TokenKind::Equal => Separator::Equals,
            TokenKind::Colon => Separator::Colon,
            TokenKind::End => return Err(self.open_object(open)),
            TokenKind::Newline | TokenKind::Comma => {
                let detail = "Expected an attribute value, introduced by an equals sign (\"=\").";
                return Err(self.error(next, "Missing attribute value", detail));
            }
            _ => {
                let detail = "Expected an equals sign (\"=\") to mark the beginning of the attribute value.";
                return Err(self.error(next, "Missing key/value separator", detail));
            }
        };
        let value = self.expression()?;
        let span = Span::new(key.span().start, value.span.end);
        Ok(ObjectItem { key, separator, value, span })
    }

    /// The `for` whose bracket was taken.
    fn for_expression(&mut self, open: Token, closer: TokenKind) -> Result<Expression, SyntaxError> {
        const SUMMARY: &str = "Invalid 'for' expression";
        self.read();
        let (key_name, value_name) = self.iteration_names(SUMMARY)?;
        let collection = self.expression()?;
        let colon = self.read();
        if colon.kind != TokenKind::Colon {
            let detail = "For expression requires a colon after the collection expression.";
            return Err(self.error(colon, SUMMARY, detail));
        }
        let (mut key, mut value) = (None, self.expression()?);
        if self.take(TokenKind::FatArrow).is_some() {
            key = Some(std::mem::replace(&mut value, self.expression()?));
        }
        let group = self.take(TokenKind::Ellipsis);
        let mut test = None;
        if self.is_word("if") {
            self.read();
            test = Some(self.expression()?);
        }
        let close = self.read();
        let is_object = closer == TokenKind::CloseBrace;
        let wrong = if close.kind != closer {
            Some("Extra characters after the end of the 'for' expression.")
        } else if !is_object && key.is_some() {
            Some("Key expression is not valid when building a tuple.")
        } else if !is_object && group.is_some() {
            Some("Grouping ellipsis (...) cannot be used when building a tuple.")
        } else if is_object && key.is_none() {
            Some("Key expression is required when building an object.")
        } else {
            None
        };
        if let Some(detail) = wrong {
            return Err(self.error(close, SUMMARY, detail));
        }
        let group = group.map(|token| self.place(token.span()));
        let all = For { key_name, value_name, collection, key, value, group, test };
        Ok(Expression { span: self.between(open, close), kind: ExpressionKind::For(Box::new(all)) })
    }

    /// `value in` or `key, value in`.
    pub(super) fn iteration_names(&mut self, summary: &'static str) -> Result<(Option<Name>, Name), SyntaxError> {
        let (mut key_name, mut value_name) = (None, self.iteration_name(summary)?);
        if self.take(TokenKind::Comma).is_some() {
            key_name = Some(std::mem::replace(&mut value_name, self.iteration_name(summary)?));
        }
        if !self.is_word("in") {
            return Err(self.error(self.peek(), summary, "The 'in' keyword is required after the names."));
        }
        self.read();
        Ok((key_name, value_name))
    }

    fn iteration_name(&mut self, summary: &'static str) -> Result<Name, SyntaxError> {
        let token = self.read();
        if token.kind != TokenKind::Name {
            return Err(self.error(token, summary, "A variable name is required here."));
        }
        Ok(self.name(token))
    }

    /// All that follows a value.
    fn steps(&mut self) -> Result<Vec<Step>, SyntaxError> {
        let mut steps = Vec::new();
        loop {
            let start = self.peek();
            match start.kind {
                TokenKind::Dot => {
                    self.read();
                    let step = self.dotted(start, true)?;
                    steps.push(step);
                }
                TokenKind::OpenBracket => {
                    self.read();
                    if self.take(TokenKind::Star).is_some() {
                        steps.push(self.splat(start)?);
                        return Ok(steps);
                    }
                    let (key, close) = self.with_newlines(false, |parser| {
                        let key = parser.expression()?;
                        let close = parser.read();
                        if close.kind != TokenKind::CloseBracket {
                            let detail = "The index operator must end with a closing bracket (\"]\").";
                            return Err(parser.error(close, "Missing close bracket on index", detail));
                        }
                        Ok((key, close))
                    })?;
                    steps.push(Step { span: self.between(start, close), kind: StepKind::Index(Box::new(key)) });
                }
                _ => return Ok(steps),
            }
        }
    }

    /// The splat whose bracket and star were taken, with all that follows.
    fn splat(&mut self, open: Token) -> Result<Step, SyntaxError> {
        let close = self.read();
        if close.kind != TokenKind::CloseBracket {
            let detail =
                "The star for a full splat operator must be immediately followed by a closing bracket (\"]\").";
            return Err(self.error(close, "Missing close bracket on splat index", detail));
        }
        let each = self.deeper(Self::steps)?;
        let marker = self.between(open, close);
        let end = each.last().map_or(marker.end, |step| step.span.end);
        Ok(Step { span: Span::new(marker.start, end), kind: StepKind::Splat(each) })
    }

    /// The step whose dot was taken.
    fn dotted(&mut self, dot: Token, splat_allowed: bool) -> Result<Step, SyntaxError> {
        let token = self.read();
        let kind = match token.kind {
            TokenKind::Name => StepKind::Attribute(self.name(token)),
            TokenKind::Number if self.slice(token).contains('.') => {
                let detail = "When using the legacy index syntax, chaining two indexes together is not permitted.";
                return Err(self.error(token, "Invalid legacy index syntax", detail));
            }
            TokenKind::Number => StepKind::LegacyIndex(self.number(token)?),
            TokenKind::Star if splat_allowed => {
                let mut each = Vec::new();
                while let Some(dot) = self.take(TokenKind::Dot) {
                    each.push(self.dotted(dot, false)?);
                }
                let marker = self.between(dot, token);
                let end = each.last().map_or(marker.end, |step| step.span.end);
                return Ok(Step { span: Span::new(marker.start, end), kind: StepKind::AttributeSplat(each) });
            }
            TokenKind::Star => {
                let detail = "A splat expression (*) cannot be used inside another attribute-only splat expression.";
                return Err(self.error(token, "Nested splat expression not allowed", detail));
            }
            _ => return Err(self.error(token, "Invalid attribute name", "An attribute name is required after a dot.")),
        };
        Ok(Step { span: self.between(dot, token), kind })
    }
}
