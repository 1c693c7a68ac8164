//! What indents, wraps, repeats, and takes white space out.

use super::find;
use crate::{
    engine::helm::{
        functions::argument::{decided, int, remade, text},
        template::{context::Context, fault::Fault, value::Value},
    },
    source::lineage::{
        sets::SetId,
        text::{Cursor, MadeOf, TextBuilder},
    },
};

/// The most pieces of a repeated text that keep their own origins.
const REPEATED_PIECES: usize = 4_096;

pub(super) fn indent(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    indented(context, arguments, b"")
}

pub(super) fn nindent(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    indented(context, arguments, b"\n")
}

/// Spaces before every line, empty ones too. The spaces are computed from the number and belong to the text.
fn indented(context: &mut Context, arguments: &[Value], before: &[u8]) -> Result<Value, Fault> {
    let (source, value) = (text(&arguments[1])?, &arguments[1]);
    let count = usize::try_from(int(&arguments[0])?).map_err(|_| negative_count())?;
    let lines = source.bytes().iter().filter(|byte| **byte == b'\n').count() + 1;
    context.budget.text(count.saturating_mul(lines).saturating_add(source.len() + before.len()))?;
    let (flow, count_flow) = (value.flow(context), arguments[0].flow(context));
    let pad_of = MadeOf::Derived(context.sets.union(flow.data, count_flow.data));
    let pad = [b"\n", &*vec![b' '; count]].concat();
    let mut builder = TextBuilder::default();
    builder.push_bytes(before, MadeOf::Derived(flow.data), SetId::EMPTY);
    builder.push_bytes(&pad[1..], pad_of, SetId::EMPTY);
    let mut cursor = source.cursor();
    for (at, _) in source.bytes().iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
        cursor.take(at + 1, &mut builder);
        builder.push_bytes(&pad[1..], pad_of, SetId::EMPTY);
    }
    cursor.take(source.len(), &mut builder);
    let control = context.sets.union(value.control, count_flow.control);
    Ok(remade(context, builder.build(), value, control))
}

fn negative_count() -> Fault {
    Fault::failed("strings: negative Repeat count")
}

pub(super) fn repeat(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let (source, value) = (text(&arguments[1])?, &arguments[1]);
    let count = usize::try_from(int(&arguments[0])?).map_err(|_| negative_count())?;
    context.budget.text(source.len().saturating_mul(count))?;
    let mut builder = TextBuilder::default();
    if source.pieces().len().saturating_mul(count) <= REPEATED_PIECES {
        (0..count).for_each(|_| builder.push(source));
    } else if !source.is_empty() {
        let flow = value.flow(context);
        builder.push_bytes(&source.bytes().repeat(count), MadeOf::Derived(flow.data), flow.control);
    }
    let control = decided(context, value, &arguments[..1]);
    Ok(remade(context, builder.build(), value, control))
}

/// goutils' `DeleteWhiteSpace`, which reads each byte as a character: where any white space goes, bytes above ASCII come
/// out as Latin-1, and 0x85 and 0xA0 are white space even inside of a character.
pub(super) fn nospace(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let (source, value) = (text(&arguments[0])?, &arguments[0]);
    let is_space = |byte: u8| char::from(byte).is_whitespace();
    if !source.bytes().iter().copied().any(is_space) {
        return Ok(value.clone());
    }
    context.budget.text(source.len().saturating_mul(2))?;
    let mut builder = TextBuilder::default();
    let mut cursor = source.cursor();
    for (at, byte) in source.bytes().iter().copied().enumerate() {
        if is_space(byte) {
            cursor.take(at, &mut builder);
            cursor.skip(at + 1);
        } else if !byte.is_ascii() {
            cursor.take(at, &mut builder);
            let (made_of, control) = cursor.here();
            let mut latin = [0; 2];
            let latin = char::from(byte).encode_utf8(&mut latin).as_bytes();
            builder.push_bytes(latin, MadeOf::Derived(made_of.set()), control);
            cursor.skip(at + 1);
        }
    }
    cursor.take(source.len(), &mut builder);
    Ok(remade(context, builder.build(), value, value.control))
}

pub(super) fn wrap(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    wrapped(context, arguments, None)
}

pub(super) fn wrap_with(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    wrapped(context, arguments, Some(&arguments[1]))
}

/// goutils' `WrapCustom`: without a separator, lines end in a newline and long words stay whole.
fn wrapped(context: &mut Context, arguments: &[Value], separator: Option<&Value>) -> Result<Value, Fault> {
    let value = &arguments[arguments.len() - 1];
    let source = text(value)?;
    let width = usize::try_from(int(&arguments[0])?.max(1)).unwrap_or(usize::MAX);
    let given = separator.map(|_| text(&arguments[1])).transpose()?.filter(|text| !text.is_empty());
    let flow = value.flow(context);
    let bytes = source.bytes();
    let mut builder = TextBuilder::default();
    let mut cursor = source.cursor();
    let mut offset = 0;
    let separator_control = separator.map_or(SetId::EMPTY, |separator| separator.control);
    let mut line = |context: &mut Context, cursor: &mut Cursor, from: usize, to: usize| {
        context.budget.text(to - from + given.map_or(1, |text| text.len()))?;
        context.budget.step(1)?;
        cursor.skip(from);
        cursor.take(to, &mut builder);
        match given {
            Some(given) => {
                let sets = &mut context.sets;
                builder.push_under(given, |own| {
                    let own = sets.union(own, separator_control);
                    sets.union(own, flow.data)
                });
            }
            None => builder.push_bytes(b"\n", MadeOf::Derived(flow.data), SetId::EMPTY),
        }
        Ok::<(), Fault>(())
    };
    while bytes.len() - offset > width {
        if bytes[offset] == b' ' {
            offset += 1;
            continue;
        }
        let end = offset + width;
        if let Some(space) = bytes[offset..=end].iter().rposition(|byte| *byte == b' ') {
            line(context, &mut cursor, offset, offset + space)?;
            offset += space + 1;
        } else if separator.is_some() {
            line(context, &mut cursor, offset, end)?;
            offset = end;
        } else if let Some(space) = find(&bytes[end..], b" ") {
            line(context, &mut cursor, offset, end + space)?;
            offset = end + space + 1;
        } else {
            break;
        }
    }
    context.budget.text(bytes.len() - offset)?;
    cursor.skip(offset);
    cursor.take(bytes.len(), &mut builder);
    let control = decided(context, value, &arguments[..1]);
    Ok(remade(context, builder.build(), value, control))
}
