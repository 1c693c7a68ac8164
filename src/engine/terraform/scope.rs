//! What an expression can see where it stands.

use super::{
    leaf::{FileId, Leaf, PathId, Place, Role, Says},
    problem::{Kind, Problem},
    terragrunt::At,
    types::Type,
    value::Value,
};
use crate::source::span::Span;

/// An instance of a module, as [`super::evaluate::Evaluator`] counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceId(pub u32);

/// What an expression can see. Cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'s> {
    /// The file that the expression stands in.
    pub file: FileId,
    /// What it is part of.
    pub role: Role,
    /// The names that lead to it in its file.
    pub path: PathId,
    /// Names that stand for values around it, innermost first.
    pub names: Option<&'s Name<'s>>,
    /// What else it can refer to.
    pub sees: Sees<'s>,
}

/// A name that stands for a value in an expression.
#[derive(Debug)]
pub struct Name<'s> {
    /// The name.
    pub name: &'s str,
    /// The value.
    pub value: Value,
    /// The names around.
    pub outer: Option<&'s Self>,
}

/// What else than names an expression can refer to.
#[derive(Clone, Copy, Debug)]
pub enum Sees<'s> {
    /// Everything in an instance of a module.
    Module(InstanceId, &'s Repetition),
    /// The elements of this map, as in a template that is given its variables.
    Template(&'s Value),
    /// What a file of Terragrunt sees: the elements of this object, and functions that depend on where it stands.
    Terragrunt(&'s At, &'s Value),
    /// Nothing, not even functions: the default of a variable, a file of variables.
    Nothing,
}

/// Which one of several it is, where a block is repeated.
#[derive(Clone, Debug, Default)]
pub enum Repetition {
    /// It is not repeated.
    #[default]
    Once,
    /// `count.index`.
    Count(Value),
    /// `each.key` and `each.value`.
    Each(Value, Value),
}

/// Why an expression has no value.
#[derive(Clone, Debug)]
pub struct Stop {
    /// The problem.
    pub problem: Problem,
    /// Whether `try` and `can` go on: not where the problem is in something that the expression refers to.
    pub can_be_tried: bool,
    /// The type of the unknown value that Terraform goes on with, as long as it matters to nothing but types.
    pub ty: Type,
}

impl<'s> Scope<'s> {
    /// The same scope, further down in the file.
    #[must_use]
    pub fn at(self, path: PathId) -> Self {
        Self { path, ..self }
    }

    /// The same scope with these names around.
    #[must_use]
    pub fn with_names<'n>(self, names: Option<&'n Name<'n>>) -> Scope<'n>
    where
        's: 'n,
    {
        Scope { file: self.file, role: self.role, path: self.path, names, sees: self.sees }
    }

    /// The value that a name stands for.
    pub fn name(&self, wanted: &str) -> Option<&'s Value> {
        let mut next = self.names;
        while let Some(name) = next {
            if name.name == wanted {
                return Some(&name.value);
            }
            next = name.outer;
        }
        None
    }

    /// Bytes of the file.
    pub fn place(&self, span: Span) -> Place {
        Place { file: self.file, span }
    }

    /// What stands at these bytes.
    pub fn leaf(&self, says: Says, span: Span) -> Leaf {
        Leaf { says, role: self.role, place: Some(self.place(span)), path: self.path }
    }

    /// The problem at these bytes, unless it is known to be at others.
    pub fn stop(&self, span: Span, problem: Problem) -> Stop {
        Stop::from(problem.at(self.place(span)))
    }

    /// What Terraform refuses at these bytes.
    pub fn broken(&self, span: Span, message: impl Into<String>) -> Stop {
        self.stop(span, Problem::broken(message))
    }
}

impl Stop {
    /// The same, of an expression whose type is certain.
    #[must_use]
    pub fn typed(self, ty: Type) -> Self {
        Self { ty, ..self }
    }

    /// The same, for whoever refers to what stopped.
    #[must_use]
    pub fn elsewhere(self) -> Self {
        Self { can_be_tried: false, ..self }
    }
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self { can_be_tried: problem.kind == Kind::Broken, ty: Type::Dynamic, problem }
    }
}

impl From<Stop> for Problem {
    fn from(stop: Stop) -> Self {
        stop.problem
    }
}
