//! Lists: sprig's, whose items keep their own origins. What chose or moved them is in the control of the new list.

use std::rc::Rc;

use super::{
    argument::{decided, int},
    equal::deep_equal,
};
use crate::{
    engine::helm::template::{
        context::Context,
        fault::Fault,
        function::{Body, Function, Lineage, Parameter},
        value::{Datum, Element, List, Value},
    },
    source::lineage::{sets::SetId, text::MadeOf},
};
use Parameter::{Any, Int};

/// The functions of lists.
pub const FUNCTIONS: &[Function] = &[
    many("list", &[], list),
    many("tuple", &[], list),
    own("first", &[Any], first),
    own("mustFirst", &[Any], first),
    own("last", &[Any], last),
    own("mustLast", &[Any], last),
    own("rest", &[Any], rest),
    own("mustRest", &[Any], rest),
    own("initial", &[Any], initial),
    own("mustInitial", &[Any], initial),
    own("append", &[Any, Any], push),
    own("push", &[Any, Any], push),
    own("mustAppend", &[Any, Any], push),
    own("mustPush", &[Any, Any], push),
    own("prepend", &[Any, Any], prepend),
    own("mustPrepend", &[Any, Any], prepend),
    many("concat", &[], concat),
    own("reverse", &[Any], reverse),
    own("mustReverse", &[Any], reverse),
    own("uniq", &[Any], uniq),
    own("mustUniq", &[Any], uniq),
    own("compact", &[Any], compact),
    own("mustCompact", &[Any], compact),
    Function { lineage: Lineage::Derived, ..own("has", &[Any, Any], has) },
    Function { lineage: Lineage::Derived, ..own("mustHas", &[Any, Any], has) },
    many("without", &[Any], without),
    many("mustWithout", &[Any], without),
    many("slice", &[Any], slice),
    many("mustSlice", &[Any], slice),
    own("chunk", &[Int, Any], chunk),
    own("mustChunk", &[Int, Any], chunk),
    Function { lineage: Lineage::Derived, ..own("deepEqual", &[Any, Any], equal) },
];

const fn own(name: &'static str, parameters: &'static [Parameter], body: Body) -> Function {
    Function { name, parameters, rest: None, lineage: Lineage::Own, body }
}

const fn many(name: &'static str, parameters: &'static [Parameter], body: Body) -> Function {
    Function { name, parameters, rest: Some(Any), lineage: Lineage::Own, body }
}

/// The items of what Go's `reflect` takes for a slice: a list, bytes, an object that is one. Absent for anything else.
///
/// # Errors
/// A limit for too many items.
pub fn items(context: &mut Context, value: &Value) -> Result<Option<List>, Fault> {
    Ok(match &value.datum {
        Datum::List(list) => Some(list.clone()),
        Datum::Bytes(text) => {
            context.budget.items(text.len())?;
            let mut made = Vec::with_capacity(text.len());
            for slice in text.slices(0..text.len()) {
                let control = context.sets.union(value.control, slice.control);
                made.extend(text.bytes()[slice.range].iter().map(|byte| Value {
                    datum: Datum::Byte(*byte),
                    made_of: MadeOf::Derived(slice.made_of.set()),
                    control,
                }));
            }
            Some(List::new(Element::Any, made))
        }
        Datum::Object(object) if object.kind() == "slice" => match object.entries() {
            None => None,
            Some(entries) => {
                let items: Vec<Value> = entries?.into_iter().map(|(_, value)| value).collect();
                Some(List::new(Element::Any, items))
            }
        },
        _ => None,
    })
}

/// The items of an argument that has to be a slice, for a function that says what it cannot do with others.
fn slice_of(context: &mut Context, value: &Value, cannot: &str) -> Result<List, Fault> {
    if let Datum::Nil = value.datum {
        return Err(nil_pointer());
    }
    let Some(list) = items(context, value)? else {
        return Err(Fault::failed(format!("{cannot} {}", value.kind())));
    };
    context.budget.step(1)?;
    Ok(list)
}

/// What `reflect.TypeOf(nil).Kind()` panics with.
fn nil_pointer() -> Fault {
    Fault::failed("runtime error: invalid memory address or nil pointer dereference")
}

/// Go's `nil` in the place of a list that would have no items.
fn never_made(of: &Value) -> Value {
    let datum = Datum::List(List::nil(Element::Any));
    Value { datum, made_of: MadeOf::Derived(of.made_of.set()), control: of.control }
}

/// A list of `interface {}` that was made of another one.
fn remade(context: &mut Context, items: Vec<Value>, of: &Value, control: SetId) -> Result<Value, Fault> {
    context.budget.items(items.len())?;
    let datum = Datum::List(List::new(Element::Any, items));
    Ok(Value { datum, made_of: MadeOf::Derived(of.made_of.set()), control })
}

fn list(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    context.budget.items(arguments.len())?;
    Ok(Value::list(arguments.to_vec()))
}

fn first(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let list = slice_of(context, &arguments[0], "Cannot find first on type")?;
    Ok(chosen(context, list.items.first(), &arguments[0]))
}

fn last(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let list = slice_of(context, &arguments[0], "Cannot find last on type")?;
    Ok(chosen(context, list.items.last(), &arguments[0]))
}

/// An item with what decided about the list; `nil`, made of what the list was made of, where there is none.
fn chosen(context: &mut Context, item: Option<&Value>, of: &Value) -> Value {
    match item {
        Some(item) => item.clone().under(of.control, context),
        None => Value { datum: Datum::Nil, made_of: MadeOf::Derived(of.made_of.set()), control: of.control },
    }
}

fn rest(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let list = slice_of(context, &arguments[0], "Cannot find rest on type")?;
    if list.items.is_empty() {
        return Ok(never_made(&arguments[0]));
    }
    let items = list.items[1..].to_vec();
    remade(context, items, &arguments[0], arguments[0].control)
}

fn initial(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let list = slice_of(context, &arguments[0], "Cannot find initial on type")?;
    if list.items.is_empty() {
        return Ok(never_made(&arguments[0]));
    }
    let items = list.items[..list.items.len() - 1].to_vec();
    remade(context, items, &arguments[0], arguments[0].control)
}

fn push(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let list = slice_of(context, &arguments[0], "Cannot push on type")?;
    let items = list.items.iter().chain([&arguments[1]]).cloned().collect();
    remade(context, items, &arguments[0], arguments[0].control)
}

fn prepend(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let list = slice_of(context, &arguments[0], "Cannot prepend on type")?;
    let items = [&arguments[1]].into_iter().chain(list.items.iter()).cloned().collect();
    remade(context, items, &arguments[0], arguments[0].control)
}

fn concat(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let mut all = Vec::new();
    let mut whole = Value::nil();
    for value in arguments {
        if let Datum::Nil = value.datum {
            return Err(nil_pointer());
        }
        let Some(list) = items(context, value)? else {
            return Err(Fault::failed(format!("Cannot concat type {} as list", value.kind())));
        };
        context.budget.items(all.len() + list.items.len())?;
        all.extend(list.items.iter().cloned());
        whole.made_of = MadeOf::Derived(context.sets.union(whole.made_of.set(), value.made_of.set()));
        whole.control = context.sets.union(whole.control, value.control);
    }
    if all.is_empty() {
        return Ok(never_made(&whole));
    }
    remade(context, all, &whole, whole.control)
}

fn reverse(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let list = slice_of(context, &arguments[0], "Cannot find reverse on type")?;
    let items = list.items.iter().rev().cloned().collect();
    remade(context, items, &arguments[0], arguments[0].control)
}

fn uniq(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let list = slice_of(context, &arguments[0], "Cannot find uniq on type")?;
    let mut kept: Vec<Value> = Vec::new();
    for item in list.items.iter() {
        if !contains(context, &kept, item)? {
            kept.push(item.clone());
        }
    }
    filtered(context, kept, &list, &arguments[..1], &[])
}

fn compact(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let list = slice_of(context, &arguments[0], "Cannot compact on type")?;
    let kept = list.items.iter().filter(|item| item.is_true()).cloned().collect();
    filtered(context, kept, &list, &arguments[..1], &[])
}

fn without(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let list = slice_of(context, &arguments[0], "Cannot find without on type")?;
    let mut kept = Vec::new();
    for item in list.items.iter() {
        if !contains(context, &arguments[1..], item)? {
            kept.push(item.clone());
        }
    }
    filtered(context, kept, &list, &arguments[..1], &arguments[1..])
}

/// What is left of a list after its items were looked at: if any is gone, those that are gone decided about the rest.
fn filtered(context: &mut Context, kept: Vec<Value>, list: &List, of: &[Value], by: &[Value]) -> Result<Value, Fault> {
    let mut control = of[0].control;
    for value in list.items.iter().chain(by) {
        let flow = value.deep_flow(context)?;
        control = context.sets.union(control, flow.data);
        control = context.sets.union(control, flow.control);
    }
    remade(context, kept, &of[0], control)
}

fn contains(context: &mut Context, haystack: &[Value], needle: &Value) -> Result<bool, Fault> {
    for value in haystack {
        if deep_equal(context, needle, value)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn has(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let found = match arguments[1].datum {
        Datum::Nil => false,
        _ => {
            let list = slice_of(context, &arguments[1], "Cannot find has on type")?;
            contains(context, &list.items, &arguments[0])?
        }
    };
    Ok(Value::plain(Datum::Bool(found)))
}

fn equal(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(Value::plain(Datum::Bool(deep_equal(context, &arguments[0], &arguments[1])?)))
}

/// A part of a list of the same type; `nil` for an empty one.
fn slice(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let of = &arguments[0];
    let list = slice_of(context, of, "list should be type of slice or array but")?;
    let len = list.items.len() as i64;
    if len == 0 {
        return Ok(chosen(context, None, of));
    }
    let start = arguments.get(1).map_or(Ok(0), index)?;
    let end = arguments.get(2).map_or(Ok(len), index)?;
    let control = decided(context, of, &arguments[1..]);
    if start < 0 || end < start {
        return Err(Fault::failed("reflect.Value.Slice: slice index out of bounds"));
    }
    if end > len {
        // Go lets a slice grow into room that its list happens to have.
        return Err(Fault::unsupported(format!("a slice up to {end} of a list of {len} items")));
    }
    let range = start as usize..end as usize;
    if let Datum::Bytes(text) = &of.datum {
        return Ok(Value { datum: Datum::Bytes(text.slice(range)), control, ..of.clone() });
    }
    context.budget.items(range.len())?;
    let items = Rc::new(list.items[range].to_vec());
    let datum = Datum::List(List::new(list.element, items));
    Ok(Value { datum, made_of: MadeOf::Derived(of.made_of.set()), control })
}

/// sprig's `toInt` of an index.
fn index(value: &Value) -> Result<i64, Fault> {
    Ok(match &value.datum {
        Datum::Int(value) | Datum::Int64(value) => *value,
        Datum::Uint64(value) => *value as i64,
        Datum::Byte(value) => i64::from(*value),
        Datum::Rune(value) => i64::from(*value),
        Datum::Bool(value) => i64::from(*value),
        Datum::Float(value) if value.abs() < 9e18 => *value as i64,
        Datum::Nil => 0,
        _ => return Err(Fault::unsupported(format!("an index of type {}", value.type_name()))),
    })
}

/// Lists of `size` items each, by sprig's arithmetic in floats: a size below one makes lists of impossible lengths, or none.
fn chunk(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let size = int(&arguments[0])?;
    let of = &arguments[1];
    let list = slice_of(context, of, "Cannot chunk type")?;
    let len = list.items.len();
    let control = decided(context, of, &arguments[..1]);
    let made_of = MadeOf::Derived(of.made_of.set());
    let impossible = || Fault::failed("runtime error: makeslice: len out of range");
    let chunks: Vec<&[Value]> = match usize::try_from(size) {
        Ok(0) => return Err(impossible()),
        Ok(size) => list.items.chunks(size).collect(),
        Err(_) => {
            let count = ((len as f64 - 1.0) / size as f64).floor() + 1.0;
            match (count == 0.0, len % usize::try_from(size.unsigned_abs()).unwrap_or(usize::MAX)) {
                (true, _) => Vec::new(),
                (false, last) if count == 1.0 && last > 0 => vec![&list.items[..last]],
                _ => return Err(impossible()),
            }
        }
    };
    context.budget.items(len)?;
    let items = chunks
        .into_iter()
        .map(|chunk| {
            let datum = Datum::List(List::new(Element::Any, chunk.to_vec()));
            Value { datum, made_of, control }
        })
        .collect::<Vec<_>>();
    Ok(Value { datum: Datum::List(List::new(Element::List, items)), made_of, control })
}
