//! What puts texts together, and what makes texts of other values.

use super::find;
use crate::{
    engine::go::runes::runes,
    engine::helm::{
        functions::{
            argument::{decided, remade, text},
            lists::items,
        },
        template::{
            context::Context,
            fault::Fault,
            print,
            value::{Datum, Element, List, Value},
        },
    },
    source::lineage::{
        sets::SetId,
        text::{MadeOf, Text, TextBuilder},
    },
};

/// A value as sprig's `strval` makes a string of it: bytes as they are, everything else as `%v` prints it.
///
/// # Errors
/// A limit for values that are too large.
pub(in crate::engine::helm::functions) fn string(context: &mut Context, value: &Value) -> Result<Text, Fault> {
    match &value.datum {
        Datum::Text(text) | Datum::Bytes(text) => Ok(text.clone()),
        Datum::List(List { element: Element::Byte, .. }) => Ok(Text::default()),
        _ => print::value(value, context),
    }
}

/// A value of that text. A scalar's text is the scalar, where its pieces say so; an empty one leads where the value led.
fn string_value(context: &mut Context, value: &Value) -> Result<Value, Fault> {
    if let Datum::Text(_) = value.datum {
        return Ok(value.clone());
    }
    let text = string(context, value)?;
    Ok(Value { datum: Datum::Text(text), made_of: MadeOf::Derived(value.made_of.set()), control: value.control })
}

/// Appends a value's text with the control of the value; where it is empty, a mark of what it is made of.
fn push(context: &mut Context, builder: &mut TextBuilder, value: &Value, text: &Text) {
    if text.is_empty() && text.pieces().is_empty() {
        builder.push_bytes(b"", MadeOf::Derived(value.made_of.set()), value.control);
        return;
    }
    push_under(context, builder, text, value.control);
}

fn push_under(context: &mut Context, builder: &mut TextBuilder, text: &Text, control: SetId) {
    let sets = &mut context.sets;
    builder.push_under(text, |own| sets.union(own, control));
}

pub(super) fn to_string(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    string_value(context, &arguments[0])
}

/// sprig's `strslice`: a list's items as strings without `nil`s, anything else as the only item.
pub(super) fn to_strings(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let (of, texts) = (&arguments[0], strings(context, &arguments[0])?);
    Ok(text_list(of, texts))
}

fn text_list(of: &Value, texts: Vec<Value>) -> Value {
    let datum = Datum::List(List::new(Element::Text, texts));
    Value { datum, made_of: MadeOf::Derived(of.made_of.set()), control: of.control }
}

fn strings(context: &mut Context, value: &Value) -> Result<Vec<Value>, Fault> {
    let Some(list) = items(context, value)? else {
        return match value.datum {
            Datum::Nil => Ok(Vec::new()),
            _ => Ok(vec![string_value(context, value)?]),
        };
    };
    context.budget.items(list.items.len())?;
    let kept = list.items.iter().filter(|item| !matches!(item.datum, Datum::Nil));
    kept.map(|item| string_value(context, item)).collect()
}

pub(super) fn join(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let (separator, of) = (text(&arguments[0])?, &arguments[1]);
    let texts = strings(context, of)?;
    let total: usize = texts.iter().map(|value| value_len(value).saturating_add(separator.len())).sum();
    context.budget.text(total)?;
    let mut builder = TextBuilder::default();
    for (index, value) in texts.iter().enumerate() {
        if index > 0 {
            push_under(context, &mut builder, separator, arguments[0].control);
        }
        if let Datum::Text(text) = &value.datum {
            push(context, &mut builder, value, text);
        }
    }
    let made = builder.build();
    if made.is_empty() {
        let flow = of.deep_flow(context)?;
        return Ok(Value { datum: Datum::Text(made), made_of: MadeOf::Derived(flow.data), control: flow.control });
    }
    Ok(remade(context, made, of, of.control))
}

fn value_len(value: &Value) -> usize {
    if let Datum::Text(text) = &value.datum { text.len() } else { 0 }
}

/// Everything but `nil`s with a space between, without white space at the ends of the format: an empty last argument still
/// leaves its space.
pub(super) fn cat(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let mut builder = TextBuilder::default();
    let mut whole = Value::nil();
    for (index, value) in arguments.iter().filter(|value| !matches!(value.datum, Datum::Nil)).enumerate() {
        let text = match &value.datum {
            Datum::Text(text) => text.clone(),
            _ => print::value(value, context)?,
        };
        context.budget.text(text.len() + 1)?;
        let flow = value.flow(context);
        if index > 0 {
            builder.push_bytes(b" ", MadeOf::Derived(flow.data), value.control);
        }
        push(context, &mut builder, value, &text);
        whole.made_of = MadeOf::Derived(context.sets.union(whole.made_of.set(), flow.data));
        whole.control = context.sets.union(whole.control, flow.control);
    }
    let made = builder.build();
    let made_of = if made.is_empty() { whole.made_of } else { MadeOf::NOTHING };
    Ok(Value { datum: Datum::Text(made), made_of, control: SetId::EMPTY })
}

/// A list's items as strings in the order of their bytes; which comes where depends on all of them.
pub(super) fn sort_alpha(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let of = &arguments[0];
    let list = items(context, of)?;
    let mut texts = match list {
        Some(_) => strings(context, of)?,
        None => vec![string_value(context, of)?],
    };
    context.budget.step(texts.len().saturating_mul(8))?;
    texts.sort_by(|a, b| match (&a.datum, &b.datum) {
        (Datum::Text(a), Datum::Text(b)) => a.bytes().cmp(b.bytes()),
        _ => std::cmp::Ordering::Equal,
    });
    Ok(text_list(of, texts))
}

/// `strings.ReplaceAll`; an empty old text stands before every character and at the end.
pub(super) fn replace(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let (old, new, source) = (text(&arguments[0])?, text(&arguments[1])?, text(&arguments[2])?);
    let value = &arguments[2];
    let control = decided(context, value, &arguments[..1]);
    let bytes = source.bytes();
    let places: Vec<usize> = if old.is_empty() {
        runes(bytes).map(|(at, _, _)| at).chain([bytes.len()]).collect()
    } else {
        let mut places = Vec::new();
        let mut at = 0;
        while let Some(found) = find(&bytes[at..], old.bytes()) {
            places.push(at + found);
            at += found + old.len();
        }
        places
    };
    if places.is_empty() || old.bytes() == new.bytes() {
        // Nothing is replaced, yet another text in its place would have been.
        return Ok(Value { control, ..value.clone() });
    }
    context.budget.step(places.len())?;
    context.budget.text(bytes.len().saturating_add(places.len().saturating_mul(new.len())))?;
    let data = value.flow(context).data;
    let because = context.sets.union(data, arguments[1].control);
    let mut builder = TextBuilder::default();
    let mut cursor = source.cursor();
    for place in places {
        cursor.take(place, &mut builder);
        if new.is_empty() {
            builder.push_bytes(b"", MadeOf::Derived(arguments[1].made_of.set()), because);
        } else {
            push_under(context, &mut builder, new, because);
        }
        cursor.skip(place + old.len());
    }
    cursor.take(bytes.len(), &mut builder);
    Ok(remade(context, builder.build(), value, control))
}
