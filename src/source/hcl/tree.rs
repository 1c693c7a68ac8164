//! What a file of HCL says, with the bytes of every part.
//!
//! The tree is that of HashiCorp's `hclsyntax`, with one difference: what follows a value (`.name`, `[key]`, `[*]`) is one list
//! of steps rather than a node a step, so that long references are flat.

use std::sync::Arc;

use crate::source::span::Span;

/// A file.
#[derive(Clone, Debug)]
pub struct File {
    /// What it defines.
    pub body: Body,
    /// Its comments in order, those to the end of a line with their line break.
    pub comments: Vec<Span>,
}

/// Definitions: those of a file, or those between the braces of a block.
#[derive(Clone, Debug)]
pub struct Body {
    /// In the order of the file.
    pub items: Vec<Item>,
    /// The whole file, or what is between the braces.
    pub span: Span,
}

/// A definition.
#[derive(Clone, Debug)]
pub enum Item {
    /// `name = value`.
    Attribute(Attribute),
    /// `type "label" { … }`.
    Block(Block),
}

/// `name = value`.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// The name, without the quotes that JSON has around it.
    pub name: Name,
    /// What it is set to.
    pub value: Expression,
    /// From the name to the end of the value.
    pub span: Span,
}

/// `type "label" { … }`.
#[derive(Clone, Debug)]
pub struct Block {
    /// The type.
    pub kind: Name,
    /// What stands between the type and the brace.
    pub labels: Vec<Label>,
    /// The opening brace.
    pub open: Span,
    /// What is in it.
    pub body: Body,
    /// The closing brace.
    pub close: Span,
    /// From the type to the closing brace.
    pub span: Span,
}

/// A label of a block.
#[derive(Clone, Debug)]
pub struct Label {
    /// What it says.
    pub text: Arc<str>,
    /// Its bytes, quotes included.
    pub span: Span,
}

/// A name and its bytes.
#[derive(Clone, Debug)]
pub struct Name {
    /// The name.
    pub text: Arc<str>,
    /// Its bytes.
    pub span: Span,
}

/// A value as it is written.
#[derive(Clone, Debug)]
pub struct Expression {
    /// Its bytes, without blanks and comments around it.
    pub span: Span,
    /// What it is.
    pub kind: ExpressionKind,
}

/// What an expression is.
#[derive(Clone, Debug)]
pub enum ExpressionKind {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as it is written: any number of digits, perhaps a fraction and an exponent.
    Number(Arc<str>),
    /// A quoted text, a heredoc or a string of JSON.
    Template(Template),
    /// A reference to something by its name.
    Variable(Name),
    /// `(value)`.
    Parenthesis(Box<Expression>),
    /// `[a, b]`.
    Tuple(Vec<Expression>),
    /// `{a = 1, b = 2}`.
    Object(Object),
    /// `[for …]` or `{for …}`.
    For(Box<For>),
    /// `name(a, b)`.
    Call(Call),
    /// What follows a value.
    Steps {
        /// The value.
        of: Box<Expression>,
        /// What follows it; at least one.
        steps: Vec<Step>,
    },
    /// `-value` or `!value`.
    Unary {
        /// Which.
        operator: Unary,
        /// The operand.
        operand: Box<Expression>,
    },
    /// `a + b - c`: operators of one precedence, applied from left to right.
    Operation(Box<Operation>),
    /// `test ? a : b`.
    Conditional(Box<Conditional>),
}

/// `{a = 1, b = 2}`.
#[derive(Clone, Debug)]
pub struct Object {
    /// Its items.
    pub items: Vec<ObjectItem>,
    /// Whether a key may be there once only, as in JSON; elsewhere the last one counts.
    pub is_json: bool,
}

/// An item of an object.
#[derive(Clone, Debug)]
pub struct ObjectItem {
    /// The key.
    pub key: Key,
    /// What separates it from the value.
    pub separator: Separator,
    /// The value.
    pub value: Expression,
    /// From the key to the end of the value.
    pub span: Span,
}

/// A key of an object.
#[derive(Clone, Debug)]
pub enum Key {
    /// A bare name, which stands for itself.
    Name(Name),
    /// A value that is worked out, quoted texts included.
    Expression(Expression),
}

/// What stands between a key and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Separator {
    /// `=`.
    Equals,
    /// `:`.
    Colon,
}

/// `[for key, value in collection : result if test]`, or the same with braces.
#[derive(Clone, Debug)]
pub struct For {
    /// The first of two names.
    pub key_name: Option<Name>,
    /// The only name, or the second of two.
    pub value_name: Name,
    /// What is iterated over.
    pub collection: Expression,
    /// The key of each result: there is one exactly if the result is an object.
    pub key: Option<Expression>,
    /// Each result.
    pub value: Expression,
    /// The bytes of `...`, which groups results of one key.
    pub group: Option<Span>,
    /// What decides whether an element counts.
    pub test: Option<Expression>,
}

/// `name(a, b)`.
#[derive(Clone, Debug)]
pub struct Call {
    /// The name with its namespaces: `provider::time::rfc3339_parse`.
    pub name: Name,
    /// What it is given.
    pub arguments: Vec<Expression>,
    /// The bytes of `...` behind the last argument, which spreads it.
    pub spread: Option<Span>,
    /// The opening parenthesis.
    pub open: Span,
    /// The closing one.
    pub close: Span,
}

/// What follows a value.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its bytes, from the dot or bracket.
    pub span: Span,
    /// What it is.
    pub kind: StepKind,
}

/// What a step is.
#[derive(Clone, Debug)]
pub enum StepKind {
    /// `.name`.
    Attribute(Name),
    /// `.0`, the number as it is written.
    LegacyIndex(Arc<str>),
    /// `[key]`.
    Index(Box<Expression>),
    /// `.*`, with the dotted steps behind it, which each element takes.
    AttributeSplat(Vec<Step>),
    /// `[*]`, with all steps behind it, which each element takes.
    Splat(Vec<Step>),
}

/// An operator of one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unary {
    /// `-`.
    Minus,
    /// `!`.
    Not,
}

/// `a + b - c`: operators of one precedence, applied from left to right.
#[derive(Clone, Debug)]
pub struct Operation {
    /// The leftmost operand.
    pub first: Expression,
    /// The operators with what is on their right; at least one.
    pub rest: Vec<Operand>,
}

/// An operator and what is on its right.
#[derive(Clone, Debug)]
pub struct Operand {
    /// The operator.
    pub operator: Operator,
    /// Its bytes.
    pub operator_span: Span,
    /// What is on its right.
    pub value: Expression,
}

/// An operator of two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say what they are")]
pub enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Greater,
    GreaterEqual,
    Less,
    LessEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

/// `test ? a : b`.
#[derive(Clone, Debug)]
pub struct Conditional {
    /// What decides.
    pub test: Expression,
    /// What holds if it is true.
    pub then: Expression,
    /// What holds if it is false.
    pub otherwise: Expression,
}

/// Text with sequences in it.
#[derive(Clone, Debug)]
pub struct Template {
    /// How it is written.
    pub form: Form,
    /// What it consists of. Two texts never follow each other.
    pub parts: Vec<Part>,
}

/// How a template is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// In quotes.
    Quoted,
    /// As a heredoc.
    Heredoc {
        /// The end word behind `<<`.
        word: Span,
        /// The blanks that are cut from the start of each line, where it begins with `<<-`.
        cut: Option<usize>,
        /// The line with the end word, without its line break.
        close: Span,
    },
    /// With nothing around it: a file that is a template, or a string of JSON.
    Bare,
}

/// A part of a template.
#[derive(Clone, Debug)]
pub enum Part {
    /// Text.
    Text(Text),
    /// `${value}`.
    Interpolation {
        /// The value.
        value: Expression,
        /// From the dollar to the brace.
        span: Span,
    },
    /// `%{if test}…%{else}…%{endif}`.
    If(If),
    /// `%{for key, value in collection}…%{endfor}`.
    For(ForDirective),
}

/// Text of a template, its escapes resolved, in Unicode's normal form C as Terraform's strings are.
#[derive(Clone, Debug)]
pub struct Text {
    /// What it says.
    pub value: Arc<str>,
    /// From the first byte that says it to the last, though bytes between may say nothing: blanks that are cut.
    pub span: Span,
    /// Where its bytes come from; the pieces tile the value.
    pub pieces: Vec<Piece>,
}

/// Bytes of a text that come from one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// How many bytes of the value.
    pub len: u32,
    /// The bytes that say them.
    pub raw: Span,
    /// Whether they are the same bytes; otherwise they are an escape.
    pub is_verbatim: bool,
}

/// `%{if test}…%{else}…%{endif}`.
#[derive(Clone, Debug)]
pub struct If {
    /// What decides.
    pub test: Box<Expression>,
    /// What holds if it is true.
    pub then: Vec<Part>,
    /// What holds if it is false, where there is an `else`.
    pub otherwise: Option<Vec<Part>>,
    /// From the first directive to the end of the last.
    pub span: Span,
}

/// `%{for key, value in collection}…%{endfor}`.
#[derive(Clone, Debug)]
pub struct ForDirective {
    /// The first of two names.
    pub key_name: Option<Name>,
    /// The only name, or the second of two.
    pub value_name: Name,
    /// What is iterated over.
    pub collection: Box<Expression>,
    /// What each element comes to.
    pub body: Vec<Part>,
    /// From the first directive to the end of the last.
    pub span: Span,
}

impl Body {
    /// The attributes, in the order of the file.
    pub fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        self.items.iter().filter_map(|item| match item {
            Item::Attribute(attribute) => Some(attribute),
            Item::Block(_) => None,
        })
    }

    /// The blocks, in the order of the file.
    pub fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.items.iter().filter_map(|item| match item {
            Item::Attribute(_) => None,
            Item::Block(block) => Some(block),
        })
    }

    /// The attribute of a name.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes().find(|attribute| &*attribute.name.text == name)
    }
}

impl Item {
    /// Its bytes.
    pub fn span(&self) -> Span {
        match self {
            Self::Attribute(attribute) => attribute.span,
            Self::Block(block) => block.span,
        }
    }
}

impl Key {
    /// Its bytes.
    pub fn span(&self) -> Span {
        match self {
            Self::Name(name) => name.span,
            Self::Expression(key) => key.span,
        }
    }
}

impl Template {
    /// The value of an interpolation that is all there is: it is not turned into a string.
    pub fn wrapped(&self) -> Option<&Expression> {
        match &self.parts[..] {
            [Part::Interpolation { value, .. }] => Some(value),
            _ => None,
        }
    }

    /// The text, where there is nothing else in it.
    pub fn literal(&self) -> Option<&Text> {
        match &self.parts[..] {
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }
}

impl Part {
    /// Its bytes.
    pub fn span(&self) -> Span {
        match self {
            Self::Text(text) => text.span,
            Self::Interpolation { span, .. } => *span,
            Self::If(directive) => directive.span,
            Self::For(directive) => directive.span,
        }
    }
}

impl Expression {
    /// The text of a quoted text or heredoc without sequences.
    pub fn literal(&self) -> Option<&Text> {
        match &self.kind {
            ExpressionKind::Template(template) => template.literal(),
            _ => None,
        }
    }
}

impl File {
    /// The comment that ends the line on which a byte is, if one begins behind that byte.
    pub fn trailing_comment(&self, text: &str, at: usize) -> Option<Span> {
        let line_end = text[at..].find('\n').map_or(text.len(), |len| at + len);
        let next = self.comments.partition_point(|comment| comment.start < at);
        self.comments[next..].iter().take_while(|comment| comment.start < line_end).last().copied()
    }

    /// The comments on lines of their own directly above the line on which a byte is, from the first to the last.
    pub fn leading_comments(&self, text: &str, at: usize) -> &[Span] {
        let line_start = |at: usize| text[..at].rfind('\n').map_or(0, |found| found + 1);
        let mut top = line_start(at);
        let last = self.comments.partition_point(|comment| comment.start < top);
        let mut first = last;
        while let Some(comment) = first.checked_sub(1).map(|before| self.comments[before]) {
            let begins = line_start(comment.start);
            let ends = if text[..comment.end].ends_with('\n') { comment.end } else { comment.end + 1 };
            let is_alone = text[begins..comment.start].trim_matches('\u{feff}').trim().is_empty();
            if ends != top || !is_alone {
                break;
            }
            (first, top) = (first - 1, begins);
        }
        &self.comments[first..last]
    }
}
