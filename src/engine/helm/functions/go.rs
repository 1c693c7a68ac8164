//! Go's own functions of `text/template`, but for `and`, `or` and `call`, which are the evaluator's; sprig's `slice` replaces
//! Go's.

mod escape;

use crate::{
    engine::helm::template::{
        compare,
        context::Context,
        fault::Fault,
        function::{Body, Function, Lineage, Parameter},
        print,
        value::{Datum, List, Value},
    },
    source::lineage::{sets::Flow, text::MadeOf},
};

/// Go's functions.
pub const FUNCTIONS: &[Function] = &[
    own("eq", ONE, ANY, |context, values| {
        compared(context, values, |context, values| {
            let Some((first, rest)) = values.split_first().filter(|(_, rest)| !rest.is_empty()) else {
                return Err(Fault::failed("missing argument for comparison"));
            };
            for value in rest {
                if compare::equal(first, value, context)? {
                    return Ok(true);
                }
            }
            Ok(false)
        })
    }),
    own("ne", TWO, None, |context, values| {
        compared(context, values, |context, values| Ok(!compare::equal(&values[0], &values[1], context)?))
    }),
    own("lt", TWO, None, |context, values| {
        compared(context, values, |_, values| compare::less(&values[0], &values[1]))
    }),
    own("le", TWO, None, |context, values| {
        compared(context, values, |context, values| at_most(context, &values[0], &values[1]))
    }),
    own("gt", TWO, None, |context, values| {
        compared(context, values, |context, values| Ok(!at_most(context, &values[0], &values[1])?))
    }),
    own("ge", TWO, None, |context, values| {
        compared(context, values, |_, values| Ok(!compare::less(&values[0], &values[1])?))
    }),
    own("not", ONE, None, |context, values| compared(context, values, |_, values| Ok(!values[0].is_true()))),
    own("len", ONE, None, |context, values| {
        let count = length(&values[0])?;
        Ok(computed(context, values, Datum::Int(count as i64)))
    }),
    own("index", ONE, ANY, index),
    own("print", &[], ANY, |context, values| Ok(Value::text(print::print(values, context)?))),
    own("println", &[], ANY, |context, values| Ok(Value::text(print::println(values, context)?))),
    own("printf", &[Parameter::Text], ANY, |context, values| match values {
        [Value { datum: Datum::Text(format), control, .. }, rest @ ..] => {
            let text = print::printf(format, rest, context)?;
            Ok(Value::text(text).under(*control, context))
        }
        _ => Err(Fault::failed("the format is no string")),
    }),
    own("html", &[], ANY, |context, values| escape::escaped(values, context, escape::html)),
    own("js", &[], ANY, |context, values| escape::escaped(values, context, escape::js)),
    own("urlquery", &[], ANY, |context, values| escape::escaped(values, context, escape::url_query)),
];

const ANY: Option<Parameter> = Some(Parameter::Any);
const ONE: &[Parameter] = &[Parameter::Any];
const TWO: &[Parameter] = &[Parameter::Any, Parameter::Any];

const fn own(name: &'static str, parameters: &'static [Parameter], rest: Option<Parameter>, body: Body) -> Function {
    Function { name, parameters, rest, lineage: Lineage::Own, body }
}

/// A truth about values: made of them, without what containers hold, which nothing here looks into.
fn compared(
    context: &mut Context,
    values: &[Value],
    truth: impl Fn(&mut Context, &[Value]) -> Result<bool, Fault>,
) -> Result<Value, Fault> {
    let truth = truth(context, values)?;
    Ok(computed(context, values, Datum::Bool(truth)))
}

fn computed(context: &mut Context, values: &[Value], datum: Datum) -> Value {
    let mut flow = Flow::default();
    for value in values {
        let more = value.flow(context);
        flow = context.sets.join(flow, more);
    }
    Value { datum, made_of: MadeOf::Derived(flow.data), control: flow.control }
}

/// Go's `le`.
fn at_most(context: &mut Context, a: &Value, b: &Value) -> Result<bool, Fault> {
    Ok(compare::less(a, b)? || compare::equal(a, b, context)?)
}

fn length(value: &Value) -> Result<usize, Fault> {
    match &value.datum {
        Datum::Nil => Err(Fault::failed("len of nil pointer")),
        Datum::Text(text) | Datum::Bytes(text) => Ok(text.len()),
        Datum::List(list) => Ok(list.items.len()),
        Datum::Map(map) => Ok(map.len()),
        Datum::Object(object) => match object.entries() {
            Some(entries) => Ok(entries?.len()),
            None => Err(Fault::failed(format!("len of type {}", object.type_name()))),
        },
        _ => Err(Fault::failed(format!("len of type {}", value.type_name()))),
    }
}

/// `index x 1 "a"`: `x[1]["a"]`, decided by the indices.
fn index(context: &mut Context, values: &[Value]) -> Result<Value, Fault> {
    let Some((item, indices)) = values.split_first() else { return Err(Fault::failed("index of untyped nil")) };
    if let Datum::Nil = item.datum {
        return Err(Fault::failed("index of untyped nil"));
    }
    let mut item = item.clone();
    for index in indices {
        let flow = index.flow(context);
        let control = context.sets.union(flow.data, flow.control);
        item = indexed(context, &item, index)?.under(control, context);
    }
    Ok(item)
}

fn indexed(context: &mut Context, item: &Value, index: &Value) -> Result<Value, Fault> {
    match &item.datum {
        Datum::Nil => Err(Fault::failed("index of nil pointer")),
        Datum::Map(map) => {
            let key = key(index)?;
            Ok(map.read(item, key, context))
        }
        Datum::List(List { items, .. }) => {
            let at = position(index, items.len())?;
            let found = items.get(at).ok_or_else(|| Fault::failed("reflect: slice index out of range"))?;
            Ok(found.clone().under(item.control, context))
        }
        Datum::Text(text) | Datum::Bytes(text) => {
            let at = position(index, text.len())?;
            let kind = item.kind();
            let range = || Fault::failed(format!("reflect: {kind} index out of range"));
            let byte = *text.bytes().get(at).ok_or_else(range)?;
            let data = Value::text(text.slice(at..at + 1)).flow(context);
            let control = context.sets.union(data.control, item.control);
            Ok(Value { datum: Datum::Byte(byte), made_of: MadeOf::Derived(data.data), control })
        }
        Datum::Object(object) if object.entries().is_some() => {
            let entries = object.entries().transpose()?.unwrap_or_default();
            let found = if object.kind() == "map" {
                let wanted = key(index)?;
                entries
                    .into_iter()
                    .find(|(key, _)| matches!(&key.datum, Datum::Text(key) if key.bytes() == wanted))
                    .map(|(_, value)| value)
            } else {
                let at = position(index, entries.len())?;
                let found = entries.into_iter().nth(at).map(|(_, value)| value);
                Some(found.ok_or_else(|| Fault::failed("reflect: slice index out of range"))?)
            };
            match found {
                Some(found) => Ok(found.under(item.control, context)),
                None => {
                    let message = format!("a missing key of the type {}", object.type_name());
                    Err(Fault::unsupported(message))
                }
            }
        }
        _ => Err(Fault::failed(format!("can't index item of type {}", item.type_name()))),
    }
}

/// Go's `prepareArg` for a map's key.
fn key(index: &Value) -> Result<&[u8], Fault> {
    match &index.datum {
        Datum::Text(key) => Ok(key.bytes()),
        Datum::Nil => Err(Fault::failed("value is nil; should be of type string")),
        _ => Err(Fault::failed(format!("value has type {}; should be string", index.type_name()))),
    }
}

/// Go's `indexArg`.
fn position(index: &Value, len: usize) -> Result<usize, Fault> {
    let at: i128 = match index.datum {
        Datum::Int(at) | Datum::Int64(at) => at.into(),
        Datum::Rune(at) => at.into(),
        Datum::Byte(at) => at.into(),
        Datum::Uint64(at) => (at as i64).into(),
        Datum::Nil => return Err(Fault::failed("cannot index slice/array with nil")),
        _ => return Err(Fault::failed(format!("cannot index slice/array with type {}", index.type_name()))),
    };
    match usize::try_from(at) {
        Ok(at) if at <= len => Ok(at),
        _ => Err(Fault::failed(format!("index out of range: {at}"))),
    }
}
