//! A parsed template: Go's `text/template/parse` nodes, each with its bytes.

use std::{cell::OnceCell, rc::Rc};

use super::evaluate::effect::Effects;
use crate::source::span::Span;

/// A parsed file.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// What stands outside of every `define`.
    pub body: Vec<Node>,
    /// The templates that it defines, `block`s included, in the order of their ends.
    pub defines: Vec<Define>,
}

/// `{{ define "name" }} … {{ end }}`, or the definition that a `block` makes.
#[derive(Clone, Debug, PartialEq)]
pub struct Define {
    /// Its name.
    pub name: Rc<str>,
    /// From the opening action's first delimiter through the last delimiter of its `end`.
    pub span: Span,
    /// What it prints.
    pub body: Vec<Node>,
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
    pub span: Span,
    /// What it is.
    pub kind: NodeKind,
}

/// What a node is. Comments are none.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeKind {
    /// Text that is printed as it stands.
    Text,
    /// A pipeline whose value is printed unless it declares or assigns variables.
    Action(Pipeline),
    /// `if`.
    If(Box<Branch>),
    /// `with`.
    With(Box<Branch>),
    /// `range`.
    Range(Box<Branch>),
    /// `template`; what a `block` becomes.
    Template {
        /// The name.
        name: Rc<str>,
        /// The name's bytes with quotes.
        name_span: Span,
        /// The new dot.
        argument: Option<Pipeline>,
    },
    /// `break`.
    Break,
    /// `continue`.
    Continue,
}

/// A condition or loop with its bodies. `else if` and `else with` are nested in `otherwise`.
#[derive(Clone, Debug, PartialEq)]
pub struct Branch {
    /// What is looked at.
    pub pipeline: Pipeline,
    /// What happens if it is true.
    pub body: Vec<Node>,
    /// What happens if not.
    pub otherwise: Option<Vec<Node>>,
    /// What the bodies may change, once it was asked for.
    pub effects: Noted<Effects>,
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
    pub span: Span,
    /// The variables that it sets: `$x :=`, `$i, $x :=`, `$x =`.
    pub variables: Vec<Variable>,
    /// Whether it assigns existing variables instead of declaring new ones.
    pub assigns: bool,
    /// The commands; at least one.
    pub commands: Vec<Command>,
}

/// A variable's name where it is set.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// The name with its `$`.
    pub name: Rc<str>,
    /// Its bytes.
    pub span: Span,
}

/// An operand, or a function or method with its arguments.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// Its bytes.
    pub span: Span,
    /// The operands; at least one.
    pub operands: Vec<Operand>,
}

/// A part of a command.
#[derive(Clone, Debug, PartialEq)]
pub struct Operand {
    /// Its bytes, brackets and quotes included.
    pub span: Span,
    /// What it is.
    pub kind: OperandKind,
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
    /// A string constant, unquoted.
    Text(Rc<[u8]>),
    /// `.a.b`
    Field(Vec<Name>),
    /// `$x.a.b`; the fields may be none.
    Variable {
        /// The name with its `$`; `$` alone is the template's argument.
        name: Rc<str>,
        /// The fields.
        fields: Vec<Name>,
    },
    /// The name of a function.
    Function(Rc<str>),
    /// `(…)`
    Pipeline(Box<Pipeline>),
    /// `(…).a.b`
    Chain {
        /// What the fields are taken of.
        of: Box<Operand>,
        /// The fields; at least one.
        fields: Vec<Name>,
    },
}

/// The name of a field or method.
#[derive(Clone, Debug, PartialEq)]
pub struct Name {
    /// The name without its dot.
    pub text: Rc<str>,
    /// Its bytes without the dot.
    pub span: Span,
}

/// A number constant. Go decides by where it is used which of the types that it fits it has.
#[derive(Clone, Debug, PartialEq)]
pub struct Number {
    /// As written.
    pub text: Rc<str>,
    /// The value as a signed integer, where it is one (`1.0` is).
    pub int: Option<i64>,
    /// The value as an unsigned integer, where it is one.
    pub uint: Option<u64>,
    /// The value as a float, where it is real.
    pub float: Option<f64>,
}

fn is_empty(body: &[Node], text: &str) -> bool {
    body.iter().all(|node| node.kind == NodeKind::Text && text[node.span.range()].trim().is_empty())
}
