//! Reading arguments, and wording tables of functions.

use std::ops::Range;

use num_bigint::BigInt;

use super::{Body, Function, Lineage, Parameter, Takes};
use crate::{
    engine::terraform::{
        context::Context,
        problem::Problem,
        types::Type,
        value::{Str, Value},
    },
    source::lineage::sets::{Flow, SetId},
};

impl Function {
    /// A function whose answer is computed, never null, of a type that depends on nothing.
    pub(super) const fn new(
        name: &'static str,
        parameters: &'static [Parameter],
        answers: fn(&mut Context<'_>, &[Value]) -> Result<Type, Problem>,
        body: Body,
    ) -> Self {
        Self { name, parameters, rest: None, answers, body, is_not_null: true, lineage: Lineage::Derived }
    }

    /// The same with any number of further arguments.
    pub(super) const fn rest(self, parameter: Parameter) -> Self {
        Self { rest: Some(parameter), ..self }
    }

    /// The same, saying itself what its answer comes from.
    pub(super) const fn own(self) -> Self {
        Self { lineage: Lineage::Own, ..self }
    }

    /// The same, with an answer that may be null.
    pub(super) const fn may_be_null(self) -> Self {
        Self { is_not_null: false, ..self }
    }
}

/// A parameter that leaves null, unknown and marked arguments to the call.
pub(super) const fn takes(name: &'static str, takes: Takes) -> Parameter {
    Parameter { name, takes, null: false, unknown: false, dynamic: false, marked: false }
}

impl Parameter {
    pub(super) const fn null(self) -> Self {
        Self { null: true, ..self }
    }

    pub(super) const fn unknown(self) -> Self {
        Self { unknown: true, ..self }
    }

    pub(super) const fn dynamic(self) -> Self {
        Self { dynamic: true, ..self }
    }

    pub(super) const fn marked(self) -> Self {
        Self { marked: true, ..self }
    }
}

/// The type of functions that answer a bool.
pub(super) fn a_bool(_: &mut Context<'_>, _: &[Value]) -> Result<Type, Problem> {
    Ok(Type::Bool)
}

/// The type of functions that answer a number.
pub(super) fn a_number(_: &mut Context<'_>, _: &[Value]) -> Result<Type, Problem> {
    Ok(Type::Number)
}

/// The answer says itself which type it has.
pub(super) fn its_own(_: &mut Context<'_>, _: &[Value]) -> Result<Type, Problem> {
    Ok(Type::Dynamic)
}

/// The type of functions that answer a string.
pub(super) fn a_string(_: &mut Context<'_>, _: &[Value]) -> Result<Type, Problem> {
    Ok(Type::String)
}

/// The type of functions that answer a list of strings.
pub(super) fn strings(_: &mut Context<'_>, _: &[Value]) -> Result<Type, Problem> {
    Ok(Type::list(Type::String))
}

/// The string that the call has made sure of.
pub(super) fn string(value: &Value) -> &Str {
    value.as_string().expect("a parameter of strings takes nothing else")
}

/// Its content.
pub(super) fn text(value: &Value) -> &str {
    string(value).as_str()
}

/// The whole number of 64 bits that an argument has to be.
pub(super) fn whole(value: &Value) -> Result<i64, String> {
    value
        .as_number()
        .and_then(super::super::number::Number::to_i64)
        .ok_or_else(|| format!("value must be a whole number, between {} and {}", i64::MIN, i64::MAX))
}

/// The whole number that an argument has to be.
pub(super) fn integer(value: &Value) -> Result<BigInt, Problem> {
    let number = value.as_number().expect("a parameter of numbers takes nothing else");
    if !number.is_integer() {
        return Err(Problem::broken("value must be a whole number"));
    }
    number.truncated().ok_or_else(|| Problem::limit("a number is too long to be counted with"))
}

/// Everything that some arguments come from, as one set: what decides over what is picked by them.
pub(super) fn behind<'v>(context: &mut Context<'_>, values: impl IntoIterator<Item = &'v Value>) -> SetId {
    let mut all = SetId::EMPTY;
    for value in values {
        let Flow { data, control } = value.whole_flow(&mut context.sets);
        all = context.sets.union_all([all, data, control]);
    }
    all
}

/// The own origins of some arguments together: of containers without those of their elements.
pub(super) fn own_flows<'v>(context: &mut Context<'_>, values: impl IntoIterator<Item = &'v Value>) -> Flow {
    let mut all = Flow::default();
    for value in values {
        let flow = value.own_flow(&mut context.sets);
        all = context.sets.join(all, flow);
    }
    all
}

/// What is picked out of a container: it is itself, there because of the container and of what picked it.
pub(super) fn picked(context: &mut Context<'_>, value: Value, container: &Value, by: SetId) -> Value {
    let Flow { data, control } = container.own_flow(&mut context.sets);
    let because = context.sets.union_all([data, control, by]);
    value.under(&mut context.sets, because)
}

/// Part of a string, there because of what cut it out.
pub(super) fn part(context: &mut Context<'_>, value: &Value, range: Range<usize>, by: SetId) -> Result<Value, Problem> {
    context.budget.text(range.len())?;
    let cut = Value::string(string(value).text().slice(range)).with_flow(value.flow());
    Ok(cut.under(&mut context.sets, by))
}
