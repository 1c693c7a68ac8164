//! Arguments of functions: read as the types that were checked before, and cut with their origins.

use std::ops::Range;

use crate::{
    engine::helm::template::{
        context::Context,
        fault::Fault,
        value::{Datum, Value},
    },
    source::lineage::{
        sets::SetId,
        text::{MadeOf, Text},
    },
};

/// An argument that was declared as `string`.
///
/// # Errors
/// Go's words, where it is none: its type was not checked.
pub fn text(arguments: &[Value], at: usize) -> Result<&Text, Fault> {
    match arguments.get(at).map(|value| &value.datum) {
        Some(Datum::Text(text)) => Ok(text),
        other => Err(wrong_type("string", other.is_some(), arguments, at)),
    }
}

/// An argument that was declared as `int`.
///
/// # Errors
/// Go's words, where it is none: its type was not checked.
pub fn int(arguments: &[Value], at: usize) -> Result<i64, Fault> {
    match arguments.get(at).map(|value| &value.datum) {
        Some(Datum::Int(value)) => Ok(*value),
        other => Err(wrong_type("int", other.is_some(), arguments, at)),
    }
}

fn wrong_type(expected: &str, there: bool, arguments: &[Value], at: usize) -> Fault {
    let got = if there { arguments[at].type_name() } else { "nothing" };
    Fault::failed(format!("wrong type for value; expected {expected}; got {got}"))
}

/// What decided a result that is `of`, when other arguments had a say in it.
pub fn decided(context: &mut Context, of: &Value, by: &[Value]) -> SetId {
    let mut control = of.control;
    for value in by {
        let flow = value.flow(context);
        control = context.sets.union(control, flow.data);
        control = context.sets.union(control, flow.control);
    }
    control
}

/// A part of a text argument that other arguments cut. Its bytes keep their origins; where none are left, the value as a
/// whole still leads to what the argument was made of.
///
/// # Errors
/// A limit for too much text.
pub fn part(context: &mut Context, of: &Value, range: Range<usize>, by: &[Value]) -> Result<Value, Fault> {
    let Datum::Text(text) = &of.datum else { return Err(wrong_type("string", true, std::slice::from_ref(of), 0)) };
    let control = decided(context, of, by);
    if range == (0..text.len()) {
        return Ok(Value { control, ..of.clone() });
    }
    context.budget.text(range.len())?;
    Ok(remade(context, text.slice(range), of, control))
}

/// A text that was made of `of` and knows its pieces. An empty one carries what the argument was made of.
pub fn remade(context: &mut Context, made: Text, of: &Value, control: SetId) -> Value {
    if !made.is_empty() {
        return Value { datum: Datum::Text(made), made_of: MadeOf::NOTHING, control };
    }
    let flow = of.flow(context);
    let control = context.sets.union(control, flow.control);
    Value { datum: Datum::Text(made), made_of: MadeOf::Derived(flow.data), control }
}
