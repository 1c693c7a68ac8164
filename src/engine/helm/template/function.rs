//! Functions that templates call: their names, what they take, and how origins pass through them.

use super::{context::Context, fault::Fault, value::Value};

/// A function that needs nothing of the evaluator; `include` and `tpl`, which do, are the evaluator's own.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// Its name in templates.
    pub name: &'static str,
    /// What it takes. The evaluator has checked number and types before the body is called.
    pub parameters: &'static [Parameter],
    /// What it takes any number of behind those.
    pub rest: Option<Parameter>,
    /// How origins pass through it.
    pub lineage: Lineage,
    /// What it does.
    pub body: Body,
}

/// The body of a function: its checked arguments in, a value out.
pub type Body = fn(&mut Context, &[Value]) -> Result<Value, Fault>;

/// The Go type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// `interface {}`: anything, `nil` included.
    Any,
    /// `string`.
    Text,
    /// `bool`.
    Bool,
    /// `int`.
    Int,
    /// `int64`.
    Int64,
    /// `uint32`.
    Uint32,
    /// `float64`.
    Float,
    /// `map[string]interface {}`; `chartutil.Values` is assignable to it, `map[string]string` is not.
    Map,
    /// `[]interface {}`.
    List,
    /// An object of this type name.
    Object(&'static str),
}

/// How origins pass through a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lineage {
    /// The evaluator marks the result, with everything in it, as derived from all arguments and everything in those.
    Derived,
    /// The body says what its result is made of.
    Own,
}
