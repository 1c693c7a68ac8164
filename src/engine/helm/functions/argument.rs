//! How functions declare their arguments and read them.
//!
//! The evaluator has checked number and types before a body is called. What Go takes for a `nil` map or slice arrives as
//! [`Datum::Nil`].

use std::{any::Any, ops::Range};

use crate::{
    engine::helm::template::{
        context::Context,
        fault::Fault,
        function::{Body, Function, Lineage, Parameter},
        leaf::Leaf,
        value::{Datum, Map, Value},
    },
    source::lineage::{
        sets::{Flow, SetId},
        text::{MadeOf, Text},
    },
};

/// A function whose body says what its result is made of.
pub const fn own(
    name: &'static str,
    parameters: &'static [Parameter],
    rest: Option<Parameter>,
    body: Body,
) -> Function {
    Function { name, parameters, rest, lineage: Lineage::Own, body }
}

/// A function whose result is computed from all of its arguments.
pub const fn derived(
    name: &'static str,
    parameters: &'static [Parameter],
    rest: Option<Parameter>,
    body: Body,
) -> Function {
    Function { name, parameters, rest, lineage: Lineage::Derived, body }
}

/// A `string`.
///
/// # Errors
/// Go's, where the value is none.
pub fn text(value: &Value) -> Result<&Text, Fault> {
    match &value.datum {
        Datum::Text(text) => Ok(text),
        _ => Err(wrong_type("string", value)),
    }
}

/// A `string` as Rust's, with U+FFFD for what is not UTF-8.
///
/// # Errors
/// Go's, where the value is none.
pub fn lossy(value: &Value) -> Result<std::borrow::Cow<'_, str>, Fault> {
    text(value).map(Text::lossy)
}

/// A map; nothing for Go's `nil` map.
///
/// # Errors
/// Go's, where the value is none.
pub fn map(value: &Value) -> Result<Option<&Map>, Fault> {
    match &value.datum {
        Datum::Map(map) => Ok(Some(map)),
        Datum::Nil => Ok(None),
        _ => Err(wrong_type("map[string]interface {}", value)),
    }
}

/// The items of a slice; none for Go's `nil` slice.
///
/// # Errors
/// Go's, where the value is none.
pub fn items(value: &Value) -> Result<&[Value], Fault> {
    match &value.datum {
        Datum::List(list) => Ok(&list.items),
        Datum::Nil => Ok(&[]),
        _ => Err(wrong_type("[]interface {}", value)),
    }
}

/// An `int`, `int64` or `uint32`.
///
/// # Errors
/// Go's, where the value is none.
pub fn int(value: &Value) -> Result<i64, Fault> {
    match value.datum {
        Datum::Int(number) | Datum::Int64(number) => Ok(number),
        Datum::Uint64(number) => Ok(number as i64),
        _ => Err(wrong_type("int", value)),
    }
}

/// A `float64`.
///
/// # Errors
/// Go's, where the value is none.
pub fn float(value: &Value) -> Result<f64, Fault> {
    match value.datum {
        Datum::Float(number) => Ok(number),
        _ => Err(wrong_type("float64", value)),
    }
}

/// A `bool`.
///
/// # Errors
/// Go's, where the value is none.
pub fn bool(value: &Value) -> Result<bool, Fault> {
    match value.datum {
        Datum::Bool(value) => Ok(value),
        _ => Err(wrong_type("bool", value)),
    }
}

/// An object of a known type.
pub fn object<T: Any>(value: &Value) -> Option<&T> {
    match &value.datum {
        Datum::Object(object) => {
            let any: &dyn Any = &**object;
            any.downcast_ref()
        }
        _ => None,
    }
}

/// Go's complaint about an argument.
pub fn wrong_type(expected: &str, value: &Value) -> Fault {
    Fault::failed(format!("wrong type for value; expected {expected}; got {}", value.type_name()))
}

/// What all arguments themselves are made of, without what is in them.
pub fn shallow(context: &mut Context, arguments: &[Value]) -> Flow {
    arguments.iter().fold(Flow::default(), |flow, argument| {
        let own = argument.flow(context);
        context.sets.join(flow, own)
    })
}

/// What all arguments and everything in them are made of.
///
/// # Errors
/// A limit for arguments that are nested too deeply.
pub fn deep(context: &mut Context, arguments: &[Value]) -> Result<Flow, Fault> {
    let mut flow = Flow::default();
    for argument in arguments {
        let own = argument.deep_flow(context)?;
        flow = context.sets.join(flow, own);
    }
    Ok(flow)
}

/// Everything that a value depends on, as one set: what a choice that looks at the value adds to control.
pub fn everything(context: &mut Context, value: &Value) -> SetId {
    let flow = value.flow(context);
    context.sets.union(flow.data, flow.control)
}

/// A value that is computed from all arguments.
///
/// # Errors
/// A limit for arguments that are nested too deeply.
pub fn computed(context: &mut Context, datum: Datum, arguments: &[Value]) -> Result<Value, Fault> {
    let flow = deep(context, arguments)?;
    Ok(Value { datum, made_of: MadeOf::Derived(flow.data), control: flow.control })
}

/// A text that is new in every render: a placeholder of the shape that the function's results have.
///
/// # Errors
/// A limit for a text that is too long.
pub fn volatile(
    context: &mut Context,
    name: &'static str,
    placeholder: &[u8],
    arguments: &[Value],
) -> Result<Value, Fault> {
    context.budget.text(placeholder.len())?;
    let flow = deep(context, arguments)?;
    let made_of = volatile_origin(context, name, flow.data);
    Ok(Value { datum: Datum::Text(Text::new(placeholder, made_of)), made_of, control: flow.control })
}

/// The origin of what is new in every render and depends on `data`.
pub fn volatile_origin(context: &mut Context, name: &'static str, data: SetId) -> MadeOf {
    let leaf = context.sets.leaf(Leaf::Volatile(name));
    MadeOf::Derived(context.sets.union(leaf.into(), data))
}

/// A text that is computed from data.
///
/// # Errors
/// A limit for a text that is too long.
pub fn derived_text(context: &mut Context, bytes: &[u8], data: SetId) -> Result<Text, Fault> {
    context.budget.text(bytes.len())?;
    Ok(Text::new(bytes, MadeOf::Derived(data)))
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
    let text = text(of)?;
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
