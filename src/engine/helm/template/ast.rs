//! A parsed template: Go's `text/template/parse` nodes, each with its bytes.

use std::{cell::OnceCell, rc::Rc};

use super::{constant::unquote, evaluate::effect::Effects};
use crate::source::span::Span;

/// A range of bytes of one template, in half the memory of a [`Span`]: a chart's templates have tens of thousands of parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bytes {
    start: u32,
    end: u32,
}

impl From<Span> for Bytes {
    fn from(span: Span) -> Self {
        let place = |byte: usize| u32::try_from(byte).expect("the parser takes texts of less than 4 GiB");
        Self { start: place(span.start), end: place(span.end) }
    }
}

impl From<Bytes> for Span {
    fn from(bytes: Bytes) -> Self {
        Self::new(bytes.start as usize, bytes.end as usize)
    }
}

/// A parsed file.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// What stands outside of every `define`.
    pub body: Box<[Node]>,
    /// The templates that it defines, `block`s included, in the order of their ends.
    pub defines: Box<[Define]>,
}

/// `{{ define "name" }} … {{ end }}`, or the definition that a `block` makes.
#[derive(Clone, Debug, PartialEq)]
pub struct Define {
    /// Its name.
    pub name: Rc<str>,
    /// From the opening action's first delimiter through the last delimiter of its `end`.
    pub span: Span,
    /// What it prints.
    pub body: Box<[Node]>,
}

impl File {
    /// Tells whether nothing but white space and comments stands outside of its definitions. `text` is the file's.
    pub fn is_empty(&self, text: &str) -> bool {
        is_empty(&self.body, text)
    }
}

impl Define {
    /// Tells whether it holds nothing but white space and comments, so that it does not replace a definition that holds more:
    /// Go's `IsEmptyTree`. `text` is the file's.
    pub fn is_empty(&self, text: &str) -> bool {
        is_empty(&self.body, text)
    }
}

/// A node of a template's body.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Text: its bytes after trimming. Actions: from delimiter to delimiter; with a body, through the `end`.
    pub(super) span: Bytes,
    /// What it is.
    pub kind: NodeKind,
}

impl Node {
    /// Text: its bytes after trimming. Actions: from delimiter to delimiter; with a body, through the `end`.
    pub fn span(&self) -> Span {
        self.span.into()
    }
}

/// What a node is. Comments are none.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeKind {
    /// Text that is printed as it stands.
    Text,
    /// A pipeline whose value is printed unless it declares or assigns variables.
    Action(Box<Pipeline>),
    /// `if`.
    If(Box<Branch>),
    /// `with`.
    With(Box<Branch>),
    /// `range`.
    Range(Box<Branch>),
    /// `template`; what a `block` becomes.
    Template(Box<Inclusion>),
    /// `break`.
    Break,
    /// `continue`.
    Continue,
}

/// The name of a template to execute, and what with.
#[derive(Clone, Debug, PartialEq)]
pub struct Inclusion {
    /// The name.
    pub name: Rc<str>,
    /// The name's bytes with quotes.
    pub name_span: Span,
    /// The new dot.
    pub argument: Option<Pipeline>,
}

/// A condition or loop with its bodies. `else if` and `else with` are nested in `otherwise`.
#[derive(Clone, Debug, PartialEq)]
pub struct Branch {
    /// What is looked at.
    pub pipeline: Pipeline,
    /// What happens if it is true.
    pub body: Box<[Node]>,
    /// What happens if not.
    pub otherwise: Option<Box<[Node]>>,
    /// What the bodies may change, once it was asked for.
    pub effects: Noted<Box<Effects>>,
}

/// What follows from a node and was worked out; the node is the same without it.
#[derive(Clone, Debug)]
pub struct Noted<T>(OnceCell<T>);

impl<T> Noted<T> {
    /// What was noted, or now is.
    pub fn get_or_init(&self, work_out: impl FnOnce() -> T) -> &T {
        self.0.get_or_init(work_out)
    }
}

impl<T> Default for Noted<T> {
    fn default() -> Self {
        Self(OnceCell::new())
    }
}

impl<T> PartialEq for Noted<T> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// Commands in a row, each given the value of the one before as its last argument.
#[derive(Clone, Debug, PartialEq)]
pub struct Pipeline {
    /// Its bytes, variables included, without white space around them.
    pub(super) span: Bytes,
    /// The variables that it sets: `$x :=`, `$i, $x :=`, `$x =`.
    pub variables: Box<[Variable]>,
    /// Whether it assigns existing variables instead of declaring new ones.
    pub assigns: bool,
    /// The first command, mostly the only one.
    pub first: Command,
    /// The commands behind it.
    pub rest: Box<[Command]>,
}

impl Pipeline {
    /// Its bytes, variables included, without white space around them.
    pub fn span(&self) -> Span {
        self.span.into()
    }

    /// All commands.
    pub fn commands(&self) -> impl Iterator<Item = &Command> {
        std::iter::once(&self.first).chain(&self.rest)
    }
}

/// A variable's name with its `$`, where it is set or read; `$` alone is the template's argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable(pub(super) Bytes);

impl Variable {
    /// Its bytes.
    pub fn span(&self) -> Span {
        self.0.into()
    }

    /// The name. `text` is the file's.
    pub fn name<'t>(&self, text: &'t str) -> &'t str {
        &text[self.span().range()]
    }
}

/// `.a.b`: fields of each other, or none. Nothing can stand between them, so their bytes say all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fields(pub(super) Bytes);

impl Fields {
    /// Their bytes, dots included.
    pub fn span(&self) -> Span {
        self.0.into()
    }

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.span().is_empty()
    }

    /// Their names, the outermost first. `text` is the file's.
    pub fn names<'t>(&self, text: &'t str) -> impl Iterator<Item = &'t str> {
        let mut rest = &text[self.span().range()];
        std::iter::from_fn(move || {
            let inner = rest.strip_prefix('.')?;
            // Names are too short for a search to be worth its preparation.
            let (name, behind) = inner.split_at(inner.bytes().position(|byte| byte == b'.').unwrap_or(inner.len()));
            rest = behind;
            Some(name)
        })
    }
}

/// An operand, or a function or method with its arguments.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// Its bytes.
    pub(super) span: Bytes,
    /// What is called, or stands alone.
    pub first: Operand,
    /// What stands behind it.
    pub arguments: Box<[Operand]>,
}

impl Command {
    /// Its bytes.
    pub fn span(&self) -> Span {
        self.span.into()
    }

    /// What is called and its arguments.
    pub fn operands(&self) -> impl Iterator<Item = &Operand> {
        std::iter::once(&self.first).chain(&self.arguments)
    }
}

/// A part of a command.
#[derive(Clone, Debug, PartialEq)]
pub struct Operand {
    /// Its bytes, brackets and quotes included.
    pub(super) span: Bytes,
    /// What it is.
    pub kind: OperandKind,
}

impl Operand {
    /// Its bytes, brackets and quotes included.
    pub fn span(&self) -> Span {
        self.span.into()
    }
}

/// What an operand is.
#[derive(Clone, Debug, PartialEq)]
pub enum OperandKind {
    /// `.`
    Dot,
    /// `nil`
    Nil,
    /// `true` or `false`
    Bool(bool),
    /// A number or character constant.
    Number(Box<Number>),
    /// A string constant.
    Text(Constant),
    /// `.a.b`
    Field(Fields),
    /// `$x.a.b`; the fields may be none.
    Variable {
        /// The variable.
        variable: Variable,
        /// The fields.
        fields: Fields,
    },
    /// The name of a function, which is all that the operand says.
    Function,
    /// `(…)`
    Pipeline(Box<Pipeline>),
    /// `(…).a.b`
    Chain {
        /// What the fields are taken of.
        of: Box<Operand>,
        /// The fields; at least one.
        fields: Fields,
    },
}

/// A string constant. Most are never asked for, so it is unquoted when it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Constant(Noted<Rc<[u8]>>);

impl Constant {
    /// Its value. `written` is the constant with its quotes.
    pub fn value(&self, written: &str) -> &Rc<[u8]> {
        self.0.get_or_init(|| unquote(written).expect("the parser takes no other constants").into())
    }
}

/// A number constant. Go decides by where it is used which of the types that it fits it has.
#[derive(Clone, Debug, PartialEq)]
pub struct Number {
    /// The value as a signed integer, where it is one (`1.0` is).
    pub int: Option<i64>,
    /// The value as an unsigned integer, where it is one.
    pub uint: Option<u64>,
    /// The value as a float, where it is real.
    pub float: Option<f64>,
}

fn is_empty(body: &[Node], text: &str) -> bool {
    body.iter().all(|node| node.kind == NodeKind::Text && text[node.span().range()].trim().is_empty())
}
