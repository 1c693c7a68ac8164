//! Strings: cutting, joining, changing. What is kept of a string keeps its origins.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::{
    Function,
    Takes::{ListOfString, Number as ANumber, String as AString},
    argument::{a_bool, a_string, behind, own_flows, part, string, strings, takes, text, whole},
};
use crate::{
    engine::{
        go::runes::{Class, Classes},
        terraform::{context::Context, number::Number, problem::Problem, types::Type, unknown::Unknown, value::Value},
    },
    source::lineage::{
        sets::Flow,
        text::{MadeOf, Text, TextBuilder},
    },
};

/// The functions of strings.
pub const FUNCTIONS: &[Function] = &[
    Function::new("upper", &[takes("str", AString)], a_string, |context, arguments, _| {
        mapped(context, &arguments[0], Classes::upper)
    }),
    Function::new("lower", &[takes("str", AString)], a_string, |context, arguments, _| {
        mapped(context, &arguments[0], Classes::lower)
    }),
    Function::new("title", &[takes("str", AString)], a_string, |context, arguments, _| title(context, &arguments[0])),
    Function::new("strrev", &[takes("str", AString)], a_string, |context, arguments, _| {
        context.budget.text(text(&arguments[0]).len())?;
        Ok(Value::text(text(&arguments[0]).graphemes(true).rev().collect::<String>()))
    }),
    Function::new(
        "substr",
        &[takes("str", AString), takes("offset", ANumber), takes("length", ANumber)],
        a_string,
        substr,
    )
    .own(),
    Function::new("chomp", &[takes("str", AString)], a_string, |context, arguments, _| {
        let kept = text(&arguments[0]).trim_end_matches(['\r', '\n']);
        cut(context, arguments, 0..kept.len())
    })
    .own(),
    Function::new("trimspace", &[takes("str", AString)], a_string, |context, arguments, _| {
        trimmed(context, arguments, char::is_whitespace)
    })
    .own(),
    Function::new("trim", &[takes("str", AString), takes("cutset", AString)], a_string, |context, arguments, _| {
        let cutset: Vec<char> = text(&arguments[1]).chars().collect();
        trimmed(context, arguments, |character| cutset.contains(&character))
    })
    .own(),
    Function::new(
        "trimprefix",
        &[takes("str", AString), takes("prefix", AString)],
        a_string,
        |context, arguments, _| {
            let whole = text(&arguments[0]);
            let start = if whole.starts_with(text(&arguments[1])) { text(&arguments[1]).len() } else { 0 };
            cut(context, arguments, start..whole.len())
        },
    )
    .own(),
    Function::new(
        "trimsuffix",
        &[takes("str", AString), takes("suffix", AString)],
        a_string,
        |context, arguments, _| {
            let whole = text(&arguments[0]);
            let end = whole.strip_suffix(text(&arguments[1])).unwrap_or(whole).len();
            cut(context, arguments, 0..end)
        },
    )
    .own(),
    Function::new(
        "startswith",
        &[takes("str", AString).unknown(), takes("prefix", AString)],
        a_bool,
        |_, arguments, ty| starts_with(arguments, ty),
    ),
    Function::new("endswith", &[takes("str", AString), takes("suffix", AString)], a_bool, |_, arguments, _| {
        Ok(Value::bool(text(&arguments[0]).ends_with(text(&arguments[1]))))
    }),
    Function::new("strcontains", &[takes("str", AString), takes("substr", AString)], a_bool, |_, arguments, _| {
        Ok(Value::bool(text(&arguments[0]).contains(text(&arguments[1]))))
    })
    .may_be_null(),
    Function::new("split", &[takes("separator", AString), takes("str", AString)], strings, split).own(),
    Function::new("join", &[takes("separator", AString)], a_string, join).rest(takes("lists", ListOfString)).own(),
    Function::new("indent", &[takes("spaces", ANumber), takes("str", AString)], a_string, indent).own(),
    Function::new("sort", &[takes("list", ListOfString).unknown()], strings, sort).own(),
];

/// The number of graphemes of a string, or what is known of it.
pub(super) fn length(value: &Value) -> Value {
    match value.unknown() {
        None => Value::number(value.as_str().unwrap_or_default().graphemes(true).count()),
        Some(Unknown { reason, refinement }) => {
            let least = Number::from(refinement.prefix.graphemes(true).count());
            let unknown = Unknown::not_null(reason.clone());
            let refinement = unknown.refinement.with_lower(least, true);
            Value::not_known(Type::Number, Unknown { reason: unknown.reason, refinement })
        }
    }
}

fn mapped(context: &mut Context<'_>, value: &Value, map: fn(&Classes, char) -> char) -> Result<Value, Problem> {
    context.budget.text(text(value).len())?;
    let classes = &context.classes;
    Ok(Value::text(text(value).chars().map(|character| map(classes, character)).collect::<String>()))
}

/// `strings.Title`: a letter at the start of a word becomes a title letter.
fn title(context: &mut Context<'_>, value: &Value) -> Result<Value, Problem> {
    context.budget.text(text(value).len())?;
    let classes = &context.classes;
    let is_separator = |character: char| {
        if character.is_ascii() {
            return !(character.is_ascii_alphanumeric() || character == '_');
        }
        if classes.has(Class::Letter, character) || classes.has(Class::Digit, character) {
            return false;
        }
        character.is_whitespace()
    };
    let mut previous = ' ';
    let titled = text(value).chars().map(|character| {
        let starts = is_separator(std::mem::replace(&mut previous, character));
        if starts { classes.title(character) } else { character }
    });
    Ok(Value::text(titled.collect::<String>()))
}

/// Part of the first argument, because of the others.
fn cut(context: &mut Context<'_>, arguments: &[Value], range: Range<usize>) -> Result<Value, Problem> {
    let by = behind(context, &arguments[1..]);
    part(context, &arguments[0], range, by)
}

fn trimmed(context: &mut Context<'_>, arguments: &[Value], is: impl Fn(char) -> bool) -> Result<Value, Problem> {
    let whole = text(&arguments[0]);
    let start = whole.len() - whole.trim_start_matches(&is).len();
    let end = start + whole[start..].trim_end_matches(&is).len();
    cut(context, arguments, start..end)
}

fn substr(context: &mut Context<'_>, arguments: &[Value], _: &Type) -> Result<Value, Problem> {
    let given = text(&arguments[0]);
    let mut offset = whole(&arguments[1]).map_err(Problem::broken)?;
    let length = whole(&arguments[2]).map_err(Problem::broken)?;
    let starts: Vec<usize> = given.grapheme_indices(true).map(|(at, _)| at).collect();
    let place = |index: i64| usize::try_from(index).ok().and_then(|index| starts.get(index)).copied();
    if offset < 0 {
        offset = offset.saturating_add(starts.len() as i64);
    } else if length == 0 {
        return cut(context, arguments, 0..0);
    }
    let start = if offset > 0 { place(offset).unwrap_or(given.len()) } else { 0 };
    // An offset before the start counts as the start; a length of nothing behind a negative offset never ends the text.
    let end =
        if length <= 0 { given.len() } else { place(offset.max(0).saturating_add(length)).unwrap_or(given.len()) };
    cut(context, arguments, start..end.max(start))
}

fn starts_with(arguments: &[Value], ty: &Type) -> Result<Value, Problem> {
    let prefix = text(&arguments[1]);
    let Some(unknown) = arguments[0].unknown() else {
        return Ok(Value::bool(text(&arguments[0]).starts_with(prefix)));
    };
    let known = &*unknown.refinement.prefix;
    if prefix.is_empty() || known.starts_with(prefix) {
        return Ok(Value::bool(true));
    }
    if !known.is_empty() && known.len() >= prefix.len() {
        return Ok(Value::bool(false));
    }
    Ok(Value::unknown_of(ty.clone(), unknown.reason.clone()))
}

fn split(context: &mut Context<'_>, arguments: &[Value], _: &Type) -> Result<Value, Problem> {
    let (separator, whole) = (text(&arguments[0]), text(&arguments[1]));
    let mut ranges = Vec::new();
    if separator.is_empty() {
        ranges.extend(whole.char_indices().map(|(at, character)| at..at + character.len_utf8()));
    } else {
        let mut start = 0;
        for (at, _) in whole.match_indices(separator) {
            ranges.push(start..at);
            start = at + separator.len();
        }
        ranges.push(start..whole.len());
    }
    let by = behind(context, &arguments[..1]);
    let mut parts = Vec::with_capacity(ranges.len());
    context.budget.elements(ranges.len())?;
    for range in ranges {
        parts.push(part(context, &arguments[1], range, by)?);
    }
    let flow = arguments[1].own_flow(&mut context.sets);
    Ok(Value::list(Type::String, parts).with_flow(flow).under(&mut context.sets, by))
}

fn join(context: &mut Context<'_>, arguments: &[Value], ty: &Type) -> Result<Value, Problem> {
    let (separator, lists) = (string(&arguments[0]).text(), &arguments[1..]);
    if lists.is_empty() {
        return Err(Problem::broken("at least one list is required"));
    }
    if let Some(reason) = lists.iter().find_map(Value::reason) {
        return Ok(Value::unknown_of(ty.clone(), reason.clone()));
    }
    let mut builder = TextBuilder::default();
    let mut is_first = true;
    for (list_at, list) in lists.iter().enumerate() {
        for (at, element) in list.as_sequence().unwrap_or_default().iter().enumerate() {
            if element.is_null() {
                let which = if lists.len() > 1 { format!(" of list {}", list_at + 1) } else { String::new() };
                let message = format!("element {at}{which} is null; cannot concatenate null values");
                return Err(Problem::argument(list_at + 1, message));
            }
            if !std::mem::take(&mut is_first) {
                context.budget.text(separator.len())?;
                builder.push(separator);
            }
            context.budget.text(text(element).len())?;
            push(context, &mut builder, string(element).text(), element.flow());
        }
    }
    let flow = own_flows(context, lists);
    let by = context.sets.union(flow.data, flow.control);
    Ok(Value::string(builder.build()).with_flow(Flow { data: arguments[0].flow().data, control: by }))
}

/// Appends a text that is there because of what its value is there.
pub(super) fn push(context: &mut Context<'_>, builder: &mut TextBuilder, text: &Text, flow: Flow) {
    let sets = &mut context.sets;
    if flow.control.is_empty() && !(text.is_empty() && text.pieces().is_empty()) {
        builder.push(text);
    } else if text.pieces().is_empty() {
        builder.push_bytes(text.bytes(), MadeOf::Derived(flow.data), flow.control);
    } else {
        builder.push_under(text, |own| sets.union(own, flow.control));
    }
}

fn indent(context: &mut Context<'_>, arguments: &[Value], _: &Type) -> Result<Value, Problem> {
    let spaces = whole(&arguments[0]).map_err(Problem::broken)?;
    let spaces = usize::try_from(spaces).map_err(|_| Problem::broken("strings: negative Repeat count"))?;
    let given = text(&arguments[1]);
    let lines = given.matches('\n').count();
    context.budget.text(given.len().saturating_add(lines.saturating_mul(spaces)))?;
    let pad = " ".repeat(if lines == 0 { 0 } else { spaces });
    let by = arguments[0].own_flow(&mut context.sets);
    let source = string(&arguments[1]).text();
    let mut builder = TextBuilder::default();
    let mut cursor = source.cursor();
    for (at, _) in given.match_indices('\n') {
        cursor.take(at + 1, &mut builder);
        builder.push_bytes(pad.as_bytes(), MadeOf::Derived(by.data), by.control);
    }
    cursor.take(given.len(), &mut builder);
    Ok(Value::string(builder.build()).with_flow(arguments[1].flow()))
}

fn sort(context: &mut Context<'_>, arguments: &[Value], ty: &Type) -> Result<Value, Problem> {
    let list = &arguments[0];
    if let Some(reason) = list.reason() {
        let (least, most) = list.length_range();
        return Ok(Value::unknown_of(ty.clone(), reason.clone())
            .refined(|refinement| refinement.with_length(least, most))
            .with_flow(list.flow()));
    }
    let mut elements = list.as_sequence().unwrap_or_default().to_vec();
    if let Some(at) = elements.iter().position(Value::is_null) {
        return Err(Problem::broken(format!("given list element {at} is null; a null string cannot be sorted")));
    }
    // Whatever one of them says may move all of them.
    let by = behind(context, &elements);
    elements.sort_by(|a, b| text(a).cmp(text(b)));
    let elements: Vec<Value> = elements.into_iter().map(|element| element.under(&mut context.sets, by)).collect();
    Ok(Value::list(Type::String, elements).with_flow(list.flow()))
}
