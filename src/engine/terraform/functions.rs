//! Terraform's functions: what they take, what they answer, and what their answers come from.
//!
//! A call follows go-cty's protocol. Arguments are converted to the types of the parameters. Null, unknown and marked
//! arguments are seen to before a function is asked, unless it takes them itself: an unknown argument makes an unknown
//! answer of the type that the function would give, marks spread to the answer.

mod argument;
mod choices;
mod collections;
mod conversions;
mod dates;
mod encodings;
mod files;
mod format;
mod hashes;
mod networks;
mod numbers;
pub mod patterns;
mod regexes;
mod sequences;
mod sets;
mod strings;
mod volatile;

use super::{
    context::Context,
    convert::convert,
    problem::{Kind, Problem},
    types::Type,
    unknown::{Reason, Refinement, Unknown},
    value::{Marks, Value},
};
use crate::source::lineage::sets::Flow;

/// A function.
pub struct Function {
    /// Its name in expressions.
    pub name: &'static str,
    /// The parameters that every call gives.
    pub parameters: &'static [Parameter],
    /// The parameter of all further arguments, where there may be some.
    pub rest: Option<Parameter>,
    /// The type of the answer, worked out before the answer; arguments may be unknown.
    pub answers: fn(&mut Context<'_>, &[Value]) -> Result<Type, Problem>,
    /// The answer, of the type that was worked out.
    pub body: Body,
    /// Whether the answer is never null.
    pub is_not_null: bool,
    /// Where the answer's origins come from.
    pub lineage: Lineage,
}

/// Works out the answer of a call, given the type that it has.
pub type Body = fn(&mut Context<'_>, &[Value], &Type) -> Result<Value, Problem>;

/// A parameter.
#[derive(Clone, Copy)]
pub struct Parameter {
    /// Its name in messages.
    pub name: &'static str,
    /// What arguments are converted to.
    pub takes: Takes,
    /// Whether the function looks at null itself.
    pub null: bool,
    /// Whether the function looks at unknown arguments itself.
    pub unknown: bool,
    /// Whether the function looks at arguments itself of which not even the type is known.
    pub dynamic: bool,
    /// Whether the function spreads marks itself.
    pub marked: bool,
}

/// What a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Anything, as it is.
    Any,
    /// A bool.
    Bool,
    /// A number.
    Number,
    /// A string.
    String,
    /// A list of anything of one type.
    List,
    /// A list of bools.
    ListOfBool,
    /// A list of strings.
    ListOfString,
    /// A set of anything of one type.
    Set,
    /// A map of lists of strings.
    MapOfLists,
}

/// Where an answer's origins come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lineage {
    /// The answer is computed: it is made of everything that the arguments are made of.
    Derived,
    /// The function says it of each part of its answer.
    Own,
}

impl Takes {
    /// As a type constraint.
    pub fn ty(self) -> Type {
        match self {
            Self::Any => Type::Dynamic,
            Self::Bool => Type::Bool,
            Self::Number => Type::Number,
            Self::String => Type::String,
            Self::List => Type::list(Type::Dynamic),
            Self::ListOfBool => Type::list(Type::Bool),
            Self::ListOfString => Type::list(Type::String),
            Self::Set => Type::set(Type::Dynamic),
            Self::MapOfLists => Type::map(Type::list(Type::String)),
        }
    }
}

/// The function of a name; `core::` may stand before it.
pub fn find(name: &str) -> Option<&'static Function> {
    let name = name.strip_prefix("core::").unwrap_or(name);
    TABLES.iter().flat_map(|table| table.iter()).find(|function| function.name == name)
}

/// Tells whether the answer of a function may depend on files, or on where Terraform is run.
pub fn may_read(name: &str) -> bool {
    matches!(name, "abspath" | "templatestring") || files::FUNCTIONS.iter().any(|function| function.name == name)
}

/// Calls a function.
///
/// # Errors
/// What Terraform says of such a call, with the argument that it is about; a limit; what this version cannot say.
pub fn call(context: &mut Context<'_>, function: &Function, mut arguments: Vec<Value>) -> Result<Value, Problem> {
    context.budget.step(1 + arguments.len())?;
    check_count(function, arguments.len())?;
    for (index, argument) in arguments.iter_mut().enumerate() {
        let parameter = function.parameter(index);
        *argument = convert(context, argument, &parameter.takes.ty())
            .map_err(|problem| worded(function, Problem { argument: Some(index), ..problem }))?;
    }
    answer(context, function, arguments).map_err(|problem| worded(function, problem))
}

fn check_count(function: &Function, given: usize) -> Result<(), Problem> {
    let (name, least) = (function.name, function.parameters.len());
    if given < least {
        let missing = function.parameters[given].name;
        let expects = if function.rest.is_some() { "at least " } else { "" };
        return Err(Problem::broken(format!(
            "Function {name:?} expects {expects}{least} argument(s). Missing value for {missing:?}."
        )));
    }
    if given > least && function.rest.is_none() {
        return Err(Problem::broken(format!("Function {name:?} expects only {least} argument(s).")));
    }
    Ok(())
}

/// Says which argument or function a problem is about, as Terraform does.
fn worded(function: &Function, problem: Problem) -> Problem {
    if problem.kind != Kind::Broken {
        return problem.during(format!("{}()", function.name));
    }
    let message = match problem.argument {
        Some(index) => {
            format!("Invalid value for {:?} parameter: {}.", function.parameter(index).name, problem.message)
        }
        None => format!("Call to function {:?} failed: {}.", function.name, problem.message),
    };
    Problem { message, ..problem }
}

/// The call of converted arguments.
fn answer(context: &mut Context<'_>, function: &Function, mut arguments: Vec<Value>) -> Result<Value, Problem> {
    let mut marks = Marks::NONE;
    let mut unknown: Option<Reason> = None;
    let mut is_open = false;
    for (index, argument) in arguments.iter_mut().enumerate() {
        let parameter = function.parameter(index);
        context.budget.step(argument.size())?;
        if !parameter.marked {
            marks = marks.with(argument.marks_within());
            *argument = argument.clone().unmarked();
        }
        // Once a type is open, what follows is not looked at any more.
        if !is_open && argument.is_null() && !parameter.null {
            return Err(Problem::argument(index, "argument must not be null"));
        }
        is_open |= *argument.ty() == Type::Dynamic && !parameter.dynamic;
        if !argument.is_known() && !parameter.unknown || is_open {
            unknown = unknown.or_else(|| argument.reason().cloned());
        }
    }
    let flow = |context: &mut Context<'_>| {
        let flows: Vec<Flow> = arguments.iter().map(|argument| argument.whole_flow(&mut context.sets)).collect();
        let data = context.sets.union_all(flows.iter().map(|flow| flow.data));
        Flow { data, control: context.sets.union_all(flows.iter().map(|flow| flow.control)) }
    };
    let ty = if is_open { Type::Dynamic } else { (function.answers)(context, &arguments)? };
    if is_open || unknown.is_some() {
        let reason = unknown.unwrap_or_else(|| Reason::Unsupported(format!("{}(null)", function.name).into()));
        let refinement = Refinement { is_not_null: function.is_not_null, ..Refinement::default() };
        let flow = flow(context);
        return Ok(Value::not_known(ty, Unknown { reason, refinement }).with_flow(flow).with_marks(marks));
    }
    let mut answer = (function.body)(context, &arguments, &ty)?;
    if function.lineage == Lineage::Derived {
        let flow = flow(context);
        answer = answer.derived(flow);
    } else if !answer.is_known() {
        let (flow, own) = (flow(context), answer.flow());
        answer = answer.with_flow(context.sets.join(flow, own));
    }
    if function.is_not_null {
        answer = answer.refined(|refinement| Refinement { is_not_null: true, ..refinement });
    }
    context.budget.nested(answer.with_marks(marks))
}

impl Function {
    /// The parameter of an argument, from 0.
    pub fn parameter(&self, argument: usize) -> Parameter {
        let further = || self.rest.expect("calls with too many arguments are refused");
        self.parameters.get(argument).copied().unwrap_or_else(further)
    }
}

/// All functions, a table a subject.
pub const TABLES: &[&[Function]] = &[
    choices::FUNCTIONS,
    collections::FUNCTIONS,
    conversions::FUNCTIONS,
    dates::FUNCTIONS,
    encodings::FUNCTIONS,
    files::FUNCTIONS,
    format::FUNCTIONS,
    hashes::FUNCTIONS,
    networks::FUNCTIONS,
    numbers::FUNCTIONS,
    regexes::FUNCTIONS,
    sequences::FUNCTIONS,
    sets::FUNCTIONS,
    strings::FUNCTIONS,
    volatile::FUNCTIONS,
];

#[cfg(test)]
mod tests;
