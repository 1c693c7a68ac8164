//! Templates parsed as Go 1.23's `text/template/parse/parse.go` does, with the bytes of every part.
//!
//! What Go rejects is rejected with Go's words: a chart with one bad template renders nothing, so to read on would be to
//! render what Helm does not. What Go accepts by accident is accepted.

mod pipeline;
mod variables;

use std::{collections::HashSet, fmt, rc::Rc};

use super::{
    ast::{Branch, Define, File, Inclusion, Node, NodeKind, Noted, Operand},
    constant,
    fault::FaultKind,
    lex::{Keyword, Lexer, Token, TokenKind},
};
use variables::Variables;

use crate::source::{
    lineage::hash::Seeded,
    span::{Span, line_of},
};

/// The levels of bodies and brackets in each other that are parsed; Go itself parses any number.
pub const MAX_DEPTH: usize = 1_000;

/// The nodes, commands, operands and fields of one file that are parsed, 20 times what the largest of 4,920 public templates
/// has.
pub const MAX_PARTS: usize = 100_000;

/// Why a template does not parse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// Whether Go fails as well, or would go on beyond the limits of this parser.
    pub kind: FaultKind,
    /// The byte of the last part that was looked at.
    pub offset: usize,
    /// The line that Go names, from 1.
    pub line: usize,
    /// Why, in Go's words.
    pub message: String,
    /// The line on which the action starts, where that is another one and Go says so.
    pub started: Option<usize>,
}

/// Parses a file.
///
/// # Errors
/// The first thing that Go rejects, unknown functions and variables included, wherever they stand; or a limit.
pub fn parse(text: &str, is_function: &dyn Fn(&str) -> bool) -> Result<File, ParseError> {
    let mut parser = Parser {
        text,
        lexer: Lexer::new(text, is_function),
        is_function,
        buffer: [Token::END; 2],
        peeked: 0,
        end: 0,
        tree: Tree::default(),
        depth: 0,
        parts: 0,
        defines: Vec::new(),
        nodes: Vec::new(),
        operands: Vec::new(),
        defined: HashSet::default(),
    };
    let body = parser.file()?;
    Ok(File { body, defines: parser.defines.into() })
}

impl ParseError {
    /// The message as Go prints it, with the name of the file.
    pub fn describe(&self, file: &str) -> String {
        let Self { line, message, started, .. } = self;
        let started = match started {
            None => String::new(),
            Some(started) if message.ends_with(" action") => format!(" started at {file}:{started}"),
            Some(started) => format!(" in action started at {file}:{started}"),
        };
        format!("template: {file}:{line}: {message}{started}")
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for ParseError {}

struct Parser<'t> {
    text: &'t str,
    lexer: Lexer<'t>,
    is_function: &'t dyn Fn(&str) -> bool,
    /// The newest token, and those before it that were put back.
    buffer: [Token; 2],
    peeked: usize,
    /// The end of the last token taken.
    end: usize,
    tree: Tree<'t>,
    depth: usize,
    parts: usize,
    defines: Vec<Define>,
    /// Nodes and operands that are not in their list yet: each list is made at once, as long as it is.
    nodes: Vec<Node>,
    operands: Vec<Operand>,
    /// The names of the definitions that have something in them.
    defined: HashSet<Rc<str>, Seeded>,
}

/// What is known inside of one definition only.
#[derive(Default)]
struct Tree<'t> {
    /// The variables that can be seen, in the order of their declarations, each once.
    variables: Variables<'t>,
    ranges: usize,
    /// Where the innermost action starts that is being parsed.
    action: Option<usize>,
}

/// What a node turned out to be.
enum Item {
    Node(Node),
    /// `{{ else }}` at a byte; of `{{ else if … }}` only the first word was taken.
    Else(usize),
    End,
}

impl<'t> Parser<'t> {
    fn file(&mut self) -> Result<Box<[Node]>, ParseError> {
        let mut body = Vec::new();
        loop {
            let delimiter = self.peek();
            match delimiter.kind {
                TokenKind::End => return Ok(body.into()),
                TokenKind::LeftDelimiter => {
                    self.next();
                    if self.next().kind == TokenKind::Keyword(Keyword::Define) {
                        self.definition(delimiter.start)?;
                        continue;
                    }
                    self.put_back_two(delimiter);
                }
                _ => {}
            }
            match self.item()? {
                Item::Node(node) => body.push(node),
                Item::Else(_) => return Err(self.fail("unexpected {{else}}")),
                Item::End => return Err(self.fail("unexpected {{end}}")),
            }
        }
    }

    /// The definition whose `define` was taken.
    fn definition(&mut self, start: usize) -> Result<(), ParseError> {
        const CONTEXT: &str = "define clause";
        let outer = std::mem::take(&mut self.tree);
        let token = self.next();
        let name = self.template_name(token, CONTEXT)?;
        self.expect_right_delimiter(CONTEXT)?;
        let (body, ending) = self.body()?;
        let Item::End = ending else {
            return Err(self.fail(format!("unexpected {{{{else}}}} in {CONTEXT}")));
        };
        self.tree = outer;
        self.define(Define { name, span: Span::new(start, self.end), body })
    }

    /// Adds a definition. Two of one name are an error unless one of them is empty.
    fn define(&mut self, define: Define) -> Result<(), ParseError> {
        if !define.is_empty(self.text) && !self.defined.insert(Rc::clone(&define.name)) {
            let name = constant::quoted(&define.name);
            return Err(self.fail(format!("template: multiple definition of template {name}")));
        }
        self.defines.push(define);
        Ok(())
    }

    /// Nodes up to an `else` or `end`, which is returned with them.
    fn body(&mut self) -> Result<(Box<[Node]>, Item), ParseError> {
        let begin = self.nodes.len();
        while self.peek().kind != TokenKind::End {
            match self.item()? {
                Item::Node(node) => self.nodes.push(node),
                ending => return Ok((self.nodes.drain(begin..).collect(), ending)),
            }
        }
        Err(self.fail("unexpected EOF"))
    }

    fn item(&mut self) -> Result<Item, ParseError> {
        self.count_part()?;
        let token = self.next();
        match token.kind {
            TokenKind::Text => {
                Ok(Item::Node(Node { span: Span::new(token.start, token.end).into(), kind: NodeKind::Text }))
            }
            TokenKind::LeftDelimiter => {
                self.tree.action = Some(token.start);
                let item = self.deeper(|parser| parser.action(token.start))?;
                self.tree.action = None;
                Ok(item)
            }
            _ => Err(self.unexpected(token, "input")),
        }
    }

    /// The action whose left delimiter, at `start`, was taken.
    fn action(&mut self, start: usize) -> Result<Item, ParseError> {
        let token = self.next();
        let kind = match token.kind {
            TokenKind::Keyword(Keyword::Block) => self.block(start)?,
            TokenKind::Keyword(Keyword::Break) => self.leave("break", NodeKind::Break)?,
            TokenKind::Keyword(Keyword::Continue) => self.leave("continue", NodeKind::Continue)?,
            TokenKind::Keyword(Keyword::Else) => {
                // The second word of `else if` and `else with` is left for the branch that it belongs to.
                let next = self.peek();
                if !matches!(next.kind, TokenKind::Keyword(Keyword::If | Keyword::With)) {
                    self.expect_right_delimiter("else")?;
                }
                return Ok(Item::Else(start));
            }
            TokenKind::Keyword(Keyword::End) => {
                self.expect_right_delimiter("end")?;
                return Ok(Item::End);
            }
            TokenKind::Keyword(Keyword::If) => NodeKind::If(Box::new(self.branch(Keyword::If)?)),
            TokenKind::Keyword(Keyword::Range) => NodeKind::Range(Box::new(self.branch(Keyword::Range)?)),
            TokenKind::Keyword(Keyword::Template) => self.template()?,
            TokenKind::Keyword(Keyword::With) => NodeKind::With(Box::new(self.branch(Keyword::With)?)),
            _ => {
                self.put_back();
                NodeKind::Action(Box::new(self.pipeline("command", TokenKind::RightDelimiter)?))
            }
        };
        Ok(Item::Node(Node { span: Span::new(start, self.end).into(), kind }))
    }

    fn leave(&mut self, word: &str, kind: NodeKind) -> Result<NodeKind, ParseError> {
        let token = self.next();
        if token.kind != TokenKind::RightDelimiter {
            return Err(self.unexpected(token, &format!("{{{{{word}}}}}")));
        }
        if self.tree.ranges == 0 {
            return Err(self.fail(format!("{{{{{word}}}}} outside {{{{range}}}}")));
        }
        Ok(kind)
    }

    /// The rest of an `if`, `range` or `with`, through its `end`.
    fn branch(&mut self, word: Keyword) -> Result<Branch, ParseError> {
        let outside = self.tree.variables.len();
        let context = match word {
            Keyword::If => "if",
            Keyword::Range => "range",
            _ => "with",
        };
        let pipeline = self.pipeline(context, TokenKind::RightDelimiter)?;
        self.tree.ranges += usize::from(word == Keyword::Range);
        let (body, ending) = self.body()?;
        self.tree.ranges -= usize::from(word == Keyword::Range);
        let otherwise = match ending {
            Item::Else(start) if word != Keyword::Range && self.peek().kind == TokenKind::Keyword(word) => {
                self.next();
                Some([self.deeper(|parser| parser.other_branch(word, start))?].into())
            }
            Item::Else(_) => {
                let (otherwise, ending) = self.body()?;
                if !matches!(ending, Item::End) {
                    return Err(self.fail("expected end; found {{else}}"));
                }
                Some(otherwise)
            }
            _ => None,
        };
        // Go sees variables of the body in the `else`, though their values are gone by then.
        self.tree.variables.truncate(outside);
        Ok(Branch { pipeline, body, otherwise, effects: Noted::default() })
    }

    /// The branch behind `else`, which shares the `end` of the one that it is in.
    fn other_branch(&mut self, word: Keyword, start: usize) -> Result<Node, ParseError> {
        self.count_part()?;
        let branch = Box::new(self.branch(word)?);
        let kind = if word == Keyword::If { NodeKind::If(branch) } else { NodeKind::With(branch) };
        Ok(Node { span: Span::new(start, self.end).into(), kind })
    }

    fn block(&mut self, start: usize) -> Result<NodeKind, ParseError> {
        const CONTEXT: &str = "block clause";
        let token = self.next();
        let name = self.template_name(token, CONTEXT)?;
        let argument = Some(self.pipeline(CONTEXT, TokenKind::RightDelimiter)?);
        let opened = self.buffer[0];
        let outer = std::mem::take(&mut self.tree);
        let (body, ending) = self.body()?;
        let Item::End = ending else {
            return Err(self.fail_at(opened, format!("unexpected {{{{else}}}} in {CONTEXT}")));
        };
        self.define(Define { name: Rc::clone(&name), span: Span::new(start, self.end), body })?;
        self.tree = outer;
        let name_span = Span::new(token.start, token.end);
        Ok(NodeKind::Template(Box::new(Inclusion { name, name_span, argument })))
    }

    fn template(&mut self) -> Result<NodeKind, ParseError> {
        const CONTEXT: &str = "template clause";
        let token = self.next();
        let name = self.template_name(token, CONTEXT)?;
        let mut argument = None;
        if self.next().kind != TokenKind::RightDelimiter {
            self.put_back();
            argument = Some(self.pipeline(CONTEXT, TokenKind::RightDelimiter)?);
        }
        let name_span = Span::new(token.start, token.end);
        Ok(NodeKind::Template(Box::new(Inclusion { name, name_span, argument })))
    }

    fn template_name(&mut self, token: Token, context: &str) -> Result<Rc<str>, ParseError> {
        if !matches!(token.kind, TokenKind::PlainText | TokenKind::QuotedText | TokenKind::RawText) {
            return Err(self.unexpected(token, context));
        }
        let name = constant::unquote(self.slice(token)).ok_or_else(|| self.fail("invalid syntax"))?;
        std::str::from_utf8(&name)
            .map(Rc::from)
            .map_err(|_| self.beyond(FaultKind::Unsupported, "a template's name is not UTF-8"))
    }

    fn expect_right_delimiter(&mut self, context: &str) -> Result<(), ParseError> {
        let token = self.next();
        if token.kind == TokenKind::RightDelimiter { Ok(()) } else { Err(self.unexpected(token, context)) }
    }
}

/// Tokens.
impl<'t> Parser<'t> {
    fn next(&mut self) -> Token {
        if self.peeked > 0 {
            self.peeked -= 1;
        } else {
            self.buffer[0] = self.lexer.next_token();
        }
        let token = self.buffer[self.peeked];
        self.end = token.end;
        token
    }

    fn peek(&mut self) -> Token {
        if self.peeked == 0 {
            self.peeked = 1;
            self.buffer[0] = self.lexer.next_token();
        }
        self.buffer[self.peeked - 1]
    }

    fn put_back(&mut self) {
        self.peeked += 1;
    }

    /// Puts the newest token back, and one before it.
    fn put_back_two(&mut self, before: Token) {
        self.buffer[1] = before;
        self.peeked = 2;
    }

    fn slice(&self, token: Token) -> &'t str {
        &self.text[token.start..token.end]
    }
}

/// Errors and limits.
impl Parser<'_> {
    /// An error at the newest token.
    fn fail(&self, message: impl Into<String>) -> ParseError {
        self.fail_at(self.buffer[0], message)
    }

    fn fail_at(&self, token: Token, message: impl Into<String>) -> ParseError {
        ParseError {
            kind: FaultKind::Failed,
            offset: token.start,
            line: line_of(self.text, token.start),
            message: message.into(),
            started: None,
        }
    }

    /// What Go accepts, and this parser does not.
    fn beyond(&self, kind: FaultKind, message: impl Into<String>) -> ParseError {
        ParseError { kind, ..self.fail(message) }
    }

    fn unexpected(&self, token: Token, context: &str) -> ParseError {
        let shown = match token.kind {
            TokenKind::Error => {
                let line = line_of(self.text, token.start);
                let started = self.tree.action.map(|action| line_of(self.text, action)).filter(|start| *start != line);
                return ParseError { started, ..self.fail(self.lexer.error()) };
            }
            TokenKind::End => "EOF".into(),
            TokenKind::Keyword(_) => format!("<{}>", self.slice(token)),
            _ => match self.slice(token) {
                text if text.len() > 10 => {
                    format!("{}...", constant::quoted(&text.chars().take(10).collect::<String>()))
                }
                text => constant::quoted(text),
            },
        };
        self.fail(format!("unexpected {shown} in {context}"))
    }

    /// Goes one level deeper, on more stack where it is needed.
    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T, ParseError>) -> Result<T, ParseError> {
        if self.depth == MAX_DEPTH {
            return Err(self.beyond(
                FaultKind::Limit,
                format!("more than {MAX_DEPTH} bodies and brackets are nested in each other"),
            ));
        }
        self.depth += 1;
        let parsed = stacker::maybe_grow(64 << 10, 1 << 20, || parse(self));
        self.depth -= 1;
        parsed
    }

    fn count_part(&mut self) -> Result<(), ParseError> {
        self.parts += 1;
        if self.parts > MAX_PARTS {
            return Err(self.beyond(FaultKind::Limit, format!("a template has more than {MAX_PARTS} parts")));
        }
        Ok(())
    }
}
