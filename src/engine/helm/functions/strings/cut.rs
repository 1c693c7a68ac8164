//! What takes texts apart.

use std::ops::Range;

use super::find;
use crate::{
    engine::go::runes::{first, is_space, last, runes},
    engine::helm::{
        functions::argument::{decided, int, part, remade, text},
        template::{
            context::Context,
            fault::Fault,
            value::{Datum, Element, List, Map, MapKind, Value},
        },
    },
    source::lineage::{
        sets::SetId,
        text::{MadeOf, Text, TextBuilder},
    },
};

/// `strings.TrimSpace`: Unicode's white space.
pub(super) fn trim(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let range = trimmed(text(&arguments[0])?.bytes(), is_space);
    part(context, &arguments[0], range, &[])
}

/// `strings.Trim`: any of the characters of the first argument.
pub(super) fn trim_all(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let cutset: Vec<char> = runes(text(&arguments[0])?.bytes()).map(|(_, _, rune)| rune).collect();
    let bytes = text(&arguments[1])?.bytes();
    context.budget.step(cutset.len())?;
    let range = trimmed(bytes, |rune| cutset.contains(&rune));
    part(context, &arguments[1], range, &arguments[..1])
}

fn trimmed(bytes: &[u8], goes: impl Fn(char) -> bool) -> Range<usize> {
    let (mut start, mut end) = (0, bytes.len());
    while let Some((_, len)) = first(&bytes[start..end]).filter(|(rune, _)| goes(*rune)) {
        start += len;
    }
    while let Some((_, len)) = last(&bytes[start..end]).filter(|(rune, _)| goes(*rune)) {
        end -= len;
    }
    start..end
}

pub(super) fn trim_suffix(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let bytes = text(&arguments[1])?.bytes();
    let end = bytes.strip_suffix(text(&arguments[0])?.bytes()).map_or(bytes.len(), <[u8]>::len);
    part(context, &arguments[1], 0..end, &arguments[..1])
}

pub(super) fn trim_prefix(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let (prefix, bytes) = (text(&arguments[0])?.bytes(), text(&arguments[1])?.bytes());
    let start = if bytes.starts_with(prefix) { prefix.len() } else { 0 };
    part(context, &arguments[1], start..bytes.len(), &arguments[..1])
}

/// The first bytes, or with a negative number the last ones.
pub(super) fn trunc(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let len = text(&arguments[1])?.len();
    let count = int(&arguments[0])?;
    let kept = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX).min(len);
    let range = match count {
        0.. => 0..kept,
        _ if kept < len => len - kept..len,
        _ => 0..len,
    };
    part(context, &arguments[1], range, &arguments[..1])
}

/// The bytes from one place to another; fails where Go's slices do.
pub(super) fn substr(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let (start, end, len) = (int(&arguments[0])?, int(&arguments[1])?, text(&arguments[2])?.len());
    let size = len as i64;
    let range = if start < 0 {
        0..end
    } else if end < 0 || end > size {
        start..size
    } else {
        start..end
    };
    if range.end < 0 {
        return Err(Fault::failed(format!("runtime error: slice bounds out of range [:{}]", range.end)));
    }
    if range.end > size {
        let message = format!("runtime error: slice bounds out of range [:{}] with length {size}", range.end);
        return Err(Fault::failed(message));
    }
    if range.start > range.end {
        let message = format!("runtime error: slice bounds out of range [{}:{}]", range.start, range.end);
        return Err(Fault::failed(message));
    }
    part(context, &arguments[2], range.start as usize..range.end as usize, &arguments[..2])
}

pub(super) fn abbrev(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let width = int(&arguments[0])?;
    let len = text(&arguments[1])?.len();
    let shown = if width < 4 { Some(Shown::whole(len)) } else { shown(len, 0, width) };
    abbreviated(context, arguments, shown)
}

pub(super) fn abbrevboth(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let (left, right, len) = (int(&arguments[0])?, int(&arguments[1])?, text(&arguments[2])?.len());
    let too_narrow = right < 4 || (left > 0 && right < 7);
    let shown = if too_narrow { Some(Shown::whole(len)) } else { shown(len, left, right) };
    abbreviated(context, arguments, shown)
}

/// What an abbreviation leaves of a text.
struct Shown {
    range: Range<usize>,
    dots_before: bool,
    dots_after: bool,
}

impl Shown {
    fn whole(len: usize) -> Self {
        Self { range: 0..len, dots_before: false, dots_after: false }
    }
}

/// goutils' `AbbreviateFull`, which counts bytes; nothing where it fails, since sprig then prints nothing.
fn shown(len: usize, offset: i64, width: i64) -> Option<Shown> {
    let size = len as i64;
    if size <= width {
        return Some(Shown::whole(len));
    }
    let mut offset = offset.min(size);
    if size.wrapping_sub(offset) < width - 3 {
        offset = size - (width - 3);
    }
    let kept = (width - 3) as usize;
    if offset <= 4 {
        return Some(Shown { range: 0..kept, dots_before: false, dots_after: true });
    }
    if width < 7 {
        return None;
    }
    if offset + width - 3 < size {
        let start = offset as usize;
        let inner = shown(len - start, 0, width - 3)?;
        let range = start + inner.range.start..start + inner.range.end;
        return Some(Shown { range, dots_before: true, dots_after: inner.dots_after });
    }
    Some(Shown { range: len - kept..len, dots_before: true, dots_after: false })
}

fn abbreviated(context: &mut Context, arguments: &[Value], shown: Option<Shown>) -> Result<Value, Fault> {
    let (of, by) = arguments.split_last().expect("the number of arguments was checked");
    let source = text(of)?;
    let Some(shown) = shown else { return part(context, of, 0..0, by) };
    if !shown.dots_before && !shown.dots_after {
        return part(context, of, shown.range, by);
    }
    context.budget.text(shown.range.len() + 6)?;
    let dots = MadeOf::Derived(of.flow(context).data);
    let mut builder = TextBuilder::default();
    if shown.dots_before {
        builder.push_bytes(b"...", dots, SetId::EMPTY);
    }
    builder.push_slice(source, shown.range);
    if shown.dots_after {
        builder.push_bytes(b"...", dots, SetId::EMPTY);
    }
    let control = decided(context, of, by);
    Ok(remade(context, builder.build(), of, control))
}

pub(super) fn split(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let parts = parts(context, &arguments[0], -1, &arguments[1], &arguments[..1])?;
    numbered(context, parts, &arguments[1], &arguments[..1])
}

pub(super) fn splitn(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let count = int(&arguments[1])?;
    let parts = parts(context, &arguments[0], count, &arguments[2], &arguments[..2])?;
    numbered(context, parts, &arguments[2], &arguments[..2])
}

pub(super) fn split_list(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let parts = parts(context, &arguments[0], -1, &arguments[1], &arguments[..1])?;
    listed(context, parts, &arguments[1], &arguments[..1])
}

/// A list of texts that was cut out of one.
pub(in crate::engine::helm::functions) fn listed(
    context: &mut Context,
    parts: Vec<Value>,
    of: &Value,
    by: &[Value],
) -> Result<Value, Fault> {
    let made_of = MadeOf::Derived(of.flow(context).data);
    let control = decided(context, of, by);
    Ok(Value { datum: Datum::List(List::new(Element::Text, parts)), made_of, control })
}

/// `_0`, `_1` and so on.
fn numbered(context: &mut Context, parts: Vec<Value>, of: &Value, by: &[Value]) -> Result<Value, Fault> {
    let map = Map::new(MapKind::Text);
    for (index, part) in parts.into_iter().enumerate() {
        map.insert(Text::plain(format!("_{index}")), part);
    }
    let made_of = MadeOf::Derived(of.flow(context).data);
    let control = decided(context, of, by);
    Ok(Value { datum: Datum::Map(map), made_of, control })
}

/// `strings.SplitN`: at most `count` parts, all for a negative count; single characters for an empty separator.
fn parts(context: &mut Context, separator: &Value, count: i64, of: &Value, by: &[Value]) -> Result<Vec<Value>, Fault> {
    let (Datum::Text(separator), Datum::Text(source)) = (&separator.datum, &of.datum) else { return Ok(Vec::new()) };
    let bytes = source.bytes();
    let limit = usize::try_from(count).unwrap_or(usize::MAX);
    let mut ranges = Vec::new();
    if limit == 0 {
        return Ok(Vec::new());
    }
    if separator.is_empty() {
        for (at, len, _) in runes(bytes) {
            if ranges.len() + 1 == limit {
                ranges.push(at..bytes.len());
                break;
            }
            ranges.push(at..at + len);
            context.budget.items(1)?;
        }
    } else {
        let mut at = 0;
        while ranges.len() + 1 < limit {
            let Some(found) = find(&bytes[at..], separator.bytes()) else { break };
            ranges.push(at..at + found);
            at += found + separator.len();
            context.budget.step(1)?;
        }
        ranges.push(at..bytes.len());
    }
    cut(context, of, source, ranges, by)
}

/// Ranges of a text, in order, as values of their own.
pub(in crate::engine::helm::functions) fn cut(
    context: &mut Context,
    of: &Value,
    source: &Text,
    ranges: Vec<Range<usize>>,
    by: &[Value],
) -> Result<Vec<Value>, Fault> {
    context.budget.items(ranges.len())?;
    context.budget.text(source.len())?;
    let control = decided(context, of, by);
    let mut cursor = source.cursor();
    let mut parts = Vec::with_capacity(ranges.len());
    for range in ranges {
        let mut builder = TextBuilder::default();
        cursor.skip(range.start);
        cursor.take(range.end, &mut builder);
        parts.push(remade(context, builder.build(), of, control));
    }
    Ok(parts)
}
