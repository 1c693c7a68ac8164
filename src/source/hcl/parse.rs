//! Tokens put together, as HashiCorp's `hclsyntax/parser.go` does: what a line break means depends on what is around it.

mod expression;
mod template;

use std::{collections::HashSet, sync::Arc};

use super::{
    SyntaxError,
    lex::{Invalid, Start, Token, TokenKind, tokens},
    literal,
    tree::{Attribute, Block, Body, Expression, File, Item, Label, Name, Template},
};
use crate::source::span::Span;

/// The levels of brackets, blocks, operators and directives in each other that are read; HashiCorp's reader goes on until it
/// has no memory left, and the deepest of 2,751 public files has 31.
pub const MAX_DEPTH: usize = 1_000;

/// Where the bytes of a text stand in the file that says it.
#[derive(Clone, Copy, Debug)]
pub enum Places<'t> {
    /// The text is the file.
    Same,
    /// For each byte of the text, and for its end, the byte of the file.
    Listed(&'t [u32]),
}

/// A reader of one text.
pub(super) struct Parser<'t> {
    text: &'t str,
    places: Places<'t>,
    tokens: Vec<Token>,
    next: usize,
    /// Whether line breaks mean something, for each bracket that is open.
    newlines: Vec<bool>,
    depth: usize,
}

impl<'t> Parser<'t> {
    /// A reader at the beginning of a text.
    pub(super) fn new(text: &'t str, start: Start, places: Places<'t>) -> Result<Self, SyntaxError> {
        SyntaxError::check_size(text)?;
        let tokens = tokens(text, start);
        let parser = Self { text, places, tokens, next: 0, newlines: vec![true], depth: 0 };
        for token in &parser.tokens {
            if let TokenKind::Invalid(why) = token.kind {
                let (summary, detail) = invalid(why);
                return Err(parser.error(*token, summary, detail));
            }
        }
        Ok(parser)
    }

    /// The whole text as a file.
    pub(super) fn file(mut self) -> Result<File, SyntaxError> {
        let items = self.items(TokenKind::End)?;
        let span = self.place(Span::new(0, self.text.len()));
        let comments = self.tokens.iter().filter(|token| token.kind == TokenKind::Comment);
        Ok(File { body: Body { items, span }, comments: comments.map(Token::span).collect() })
    }

    /// The whole text as an expression.
    pub(super) fn only_expression(mut self) -> Result<Expression, SyntaxError> {
        self.newlines.push(false);
        let expression = self.expression()?;
        let next = self.peek();
        if next.kind != TokenKind::End {
            let detail = "An expression was successfully parsed, but extra characters were found after it.";
            return Err(self.error(next, "Extra characters after expression", detail));
        }
        Ok(expression)
    }

    /// The whole text as a template.
    pub(super) fn only_template(mut self) -> Result<Template, SyntaxError> {
        self.template(TokenKind::End)
    }

    /// Definitions up to the token that ends them, which is taken.
    fn items(&mut self, end: TokenKind) -> Result<Vec<Item>, SyntaxError> {
        let mut items = Vec::new();
        let mut names: HashSet<Arc<str>> = HashSet::new();
        loop {
            let next = self.read();
            match next.kind {
                kind if kind == end => return Ok(items),
                TokenKind::Newline => {}
                TokenKind::Name => {
                    let item = self.item(next)?;
                    if let Item::Attribute(attribute) = &item
                        && !names.insert(Arc::clone(&attribute.name.text))
                    {
                        let detail = format!("The argument {:?} was already set.", attribute.name.text);
                        return Err(self.error(next, "Attribute redefined", detail));
                    }
                    items.push(item);
                }
                TokenKind::OpenQuote => {
                    return Err(self.error(next, "Invalid argument name", "Argument names must not be quoted."));
                }
                TokenKind::End => {
                    let detail = "There is no closing brace for this block before the end of the file.";
                    return Err(self.error(next, "Unclosed configuration block", detail));
                }
                _ => return Err(self.no_item(next, "")),
            }
        }
    }

    fn no_item(&self, token: Token, more: &str) -> SyntaxError {
        let detail = format!("An argument or block definition is required here.{more}");
        self.error(token, "Argument or block definition required", detail)
    }

    /// The definition whose name was taken.
    fn item(&mut self, name: Token) -> Result<Item, SyntaxError> {
        match self.peek().kind {
            TokenKind::Equal => {
                let attribute = self.attribute(name)?;
                let end = self.peek();
                if !matches!(end.kind, TokenKind::Newline | TokenKind::End) {
                    let detail = "An argument definition must end with a newline.";
                    return Err(self.error(end, "Missing newline after argument", detail));
                }
                self.read();
                Ok(Item::Attribute(attribute))
            }
            TokenKind::OpenQuote | TokenKind::OpenBrace | TokenKind::Name => {
                self.deeper(|parser| parser.block(name)).map(Item::Block)
            }
            _ => Err(self.no_item(name, " To set an argument, use the equals sign \"=\" to introduce its value.")),
        }
    }

    /// The attribute whose name was taken, without what ends it.
    fn attribute(&mut self, name: Token) -> Result<Attribute, SyntaxError> {
        self.read();
        let value = self.expression()?;
        let name = self.name(name);
        let span = Span::new(name.span.start, value.span.end);
        Ok(Attribute { name, value, span })
    }

    /// The block whose type was taken.
    fn block(&mut self, kind: Token) -> Result<Block, SyntaxError> {
        let mut labels = Vec::new();
        let open = loop {
            let token = self.read();
            match token.kind {
                TokenKind::OpenBrace => break token,
                TokenKind::OpenQuote => labels.push(self.label(token)?),
                TokenKind::Name => {
                    let Name { text, span } = self.name(token);
                    labels.push(Label { text, span });
                }
                _ => {
                    let detail = "Either a quoted string block label or an opening brace (\"{\") is expected here.";
                    return Err(self.error(token, "Invalid block definition", detail));
                }
            }
        };
        let items = match self.peek().kind {
            TokenKind::Newline | TokenKind::End | TokenKind::CloseBrace => self.items(TokenKind::CloseBrace)?,
            _ => vec![Item::Attribute(self.only_attribute()?)],
        };
        let close = self.tokens[self.next - 1];
        let eol = self.peek();
        if !matches!(eol.kind, TokenKind::Newline | TokenKind::End) {
            let detail = "A block definition must end with a newline.";
            return Err(self.error(eol, "Missing newline after block definition", detail));
        }
        self.read();
        let kind = self.name(kind);
        let (open, close) = (self.place(open.span()), self.place(close.span()));
        let span = Span::new(kind.span.start, close.end);
        Ok(Block { kind, labels, open, body: Body { items, span: Span::new(open.end, close.start) }, close, span })
    }

    /// The attribute of a block on one line, and the closing brace.
    fn only_attribute(&mut self) -> Result<Attribute, SyntaxError> {
        let name = self.read();
        if name.kind != TokenKind::Name || self.peek().kind != TokenKind::Equal {
            return Err(self.no_item(name, " A single-line block can contain only a single argument."));
        }
        let attribute = self.attribute(name)?;
        let close = self.read();
        if close.kind != TokenKind::CloseBrace {
            let detail =
                "A single-line block definition must end with a closing brace immediately after its single argument.";
            return Err(self.error(close, "Invalid single-argument block definition", detail));
        }
        Ok(attribute)
    }

    /// The label whose opening quote was taken.
    fn label(&mut self, open: Token) -> Result<Label, SyntaxError> {
        let mut text = String::new();
        loop {
            let token = self.read();
            match token.kind {
                TokenKind::CloseQuote => {
                    let span = self.place(Span::new(open.start as usize, token.end as usize));
                    return Ok(Label { text: text.into(), span });
                }
                TokenKind::QuotedText => text += &self.cooked(token, literal::quoted)?.value,
                TokenKind::Interpolation | TokenKind::Control => {
                    let detail = "Template sequences are not allowed in this string.";
                    return Err(self.error(token, "Invalid string literal", detail));
                }
                _ => {
                    let detail = "Unable to find the closing quote mark before the end of the file.";
                    return Err(self.error(token, "Unterminated string literal", detail));
                }
            }
        }
    }
}

/// Tokens.
impl Parser<'_> {
    /// The next token that means something, and what comes after it.
    fn ahead(&self) -> (Token, usize) {
        let newlines = *self.newlines.last().expect("the outermost stays");
        for at in self.next..self.tokens.len() {
            let token = self.tokens[at];
            match token.kind {
                TokenKind::Comment => {
                    // It takes the line break with it.
                    if newlines && self.slice(token).ends_with('\n') {
                        return (Token { kind: TokenKind::Newline, ..token }, at + 1);
                    }
                }
                TokenKind::Newline if !newlines => {}
                _ => return (token, at + 1),
            }
        }
        (self.tokens[self.tokens.len() - 1], self.tokens.len())
    }

    fn peek(&self) -> Token {
        self.ahead().0
    }

    fn read(&mut self) -> Token {
        let (token, next) = self.ahead();
        self.next = next;
        token
    }

    /// Takes the next token if it is of a kind.
    fn take(&mut self, kind: TokenKind) -> Option<Token> {
        let (token, next) = self.ahead();
        (token.kind == kind).then(|| {
            self.next = next;
            token
        })
    }

    /// Tells whether the next token is this word.
    fn is_word(&self, word: &str) -> bool {
        let token = self.peek();
        token.kind == TokenKind::Name && self.slice(token) == word
    }

    fn slice(&self, token: Token) -> &str {
        &self.text[token.span().range()]
    }

    fn name(&self, token: Token) -> Name {
        Name { text: self.slice(token).into(), span: self.place(token.span()) }
    }

    /// Where bytes of the text stand in the file.
    fn place(&self, span: Span) -> Span {
        match self.places {
            Places::Same => span,
            Places::Listed(places) => Span::new(places[span.start] as usize, places[span.end] as usize),
        }
    }

    /// From the beginning of one to the end of the other.
    fn between(&self, first: Token, last: Token) -> Span {
        self.place(Span::new(first.start as usize, last.end as usize))
    }

    /// A token's text with its escapes resolved, placed in the file.
    fn cooked(
        &self,
        token: Token,
        resolve: fn(&str, &mut literal::Literal) -> Result<(), literal::BadEscape>,
    ) -> Result<literal::Literal, SyntaxError> {
        let mut literal = literal::Literal::new(token.start as usize);
        resolve(self.slice(token), &mut literal).map_err(|bad| {
            let place = self.place(Span::new(literal.end(), literal.end() + bad.len));
            SyntaxError { span: place, ..self.error(token, "Invalid escape sequence", bad.why) }
        })?;
        Ok(literal)
    }
}

/// Errors and limits.
impl Parser<'_> {
    fn error(&self, token: Token, summary: &'static str, detail: impl Into<String>) -> SyntaxError {
        let error = SyntaxError::new(self.text, token.span(), summary, detail);
        SyntaxError { span: self.place(error.span), ..error }
    }

    /// Goes one level deeper, if that is not too deep.
    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, SyntaxError>) -> Result<T, SyntaxError> {
        if self.depth == MAX_DEPTH {
            let detail = format!("more than {MAX_DEPTH} levels in each other are not read");
            return Err(SyntaxError { is_limit: true, ..self.error(self.peek(), "Beyond a limit", detail) });
        }
        self.depth += 1;
        let result = stacker::maybe_grow(128 << 10, 1 << 20, || read(self));
        self.depth -= 1;
        result
    }

    /// Reads what is in brackets in which line breaks mean something or not.
    fn with_newlines<T>(
        &mut self,
        mean: bool,
        read: impl FnOnce(&mut Self) -> Result<T, SyntaxError>,
    ) -> Result<T, SyntaxError> {
        self.newlines.push(mean);
        let result = read(self);
        self.newlines.pop();
        result
    }
}

fn invalid(why: Invalid) -> (&'static str, &'static str) {
    match why {
        Invalid::Bitwise => ("Unsupported operator", "Bitwise operators are not supported."),
        Invalid::Backtick => ("Invalid character", "The \"`\" character is not valid."),
        Invalid::Apostrophe => {
            ("Invalid character", "Single quotes are not valid. Use double quotes (\") to enclose strings.")
        }
        Invalid::Semicolon => ("Invalid character", "The \";\" character is not valid."),
        Invalid::QuotedNewline => ("Invalid multi-line string", "Quoted strings may not be split over multiple lines."),
        Invalid::Character => ("Invalid character", "This character is not used within the language."),
    }
}
