//! `format` and its verbs: Go's for numbers, with widths in graphemes and lists as JSON.

mod verb;

use unicode_segmentation::UnicodeSegmentation;

use self::verb::{Part, Verb};
use super::{
    Function,
    Takes::{Any, String as AString},
    argument::{a_string, string, strings, takes, text},
    encodings::json_of,
    strings::push,
};
use crate::{
    engine::{
        go::quote::quoted,
        terraform::{
            context::Context,
            convert::convert,
            problem::{Kind, Problem},
            types::Type,
            unknown::safe_prefix,
            value::Value,
        },
    },
    source::lineage::{
        sets::Flow,
        text::{MadeOf, Text, TextBuilder},
    },
};

/// The functions that format.
pub const FUNCTIONS: &[Function] = &[
    Function::new("format", &[takes("format", AString)], a_string, format)
        .rest(takes("args", Any).null().unknown())
        .own(),
    Function::new("formatlist", &[takes("format", AString)], strings, format_list)
        .rest(takes("args", Any).null().unknown())
        .own(),
];

fn format(context: &mut Context<'_>, arguments: &[Value], ty: &Type) -> Result<Value, Problem> {
    if let Some(reason) = arguments[1..].iter().find_map(Value::reason) {
        let format = text(&arguments[0]);
        let unknown = Value::unknown_of(ty.clone(), reason.clone());
        return Ok(match format.find('%') {
            Some(at) if at > 0 => unknown.refined(|refinement| refinement.with_prefix(safe_prefix(&format[..at]))),
            _ => unknown,
        });
    }
    formatted(context, &arguments[0], &arguments[1..])
}

/// The most results of a list.
fn format_list(context: &mut Context<'_>, arguments: &[Value], ty: &Type) -> Result<Value, Problem> {
    let (pattern, given) = (&arguments[0], &arguments[1..]);
    if given.is_empty() {
        let one = formatted(context, pattern, given)?;
        return Ok(Value::list(Type::String, [one]));
    }
    let mut length: Option<(usize, usize)> = None;
    let mut unknown = None;
    let mut flow = Flow::default();
    for (index, argument) in given.iter().enumerate() {
        let is_sequence = matches!(argument.ty(), Type::List(_) | Type::Set(_) | Type::Tuple(_)) && !argument.is_null();
        if !is_sequence {
            continue;
        }
        let own = argument.own_flow(&mut context.sets);
        flow = context.sets.join(flow, own);
        let Some(own_length) = argument.known_length() else {
            unknown = unknown.or_else(|| argument.reason());
            continue;
        };
        match length {
            None => length = Some((index, own_length)),
            Some((first, expected)) if expected != own_length => {
                let message = format!(
                    "argument {} has length {own_length}, which is inconsistent with argument {} of length {expected}",
                    index + 1,
                    first + 1
                );
                return Err(Problem::argument(index + 1, message));
            }
            Some(_) => {}
        }
        if let Some(whole) = argument.unknown() {
            unknown = unknown.or(Some(&whole.reason));
        }
    }
    if let Some(reason) = unknown {
        return Ok(Value::unknown_of(ty.clone(), reason.clone()).with_flow(flow));
    }
    let count = length.map_or(1, |(_, length)| length);
    context.budget.elements(count.saturating_mul(given.len()))?;
    let mut results = Vec::with_capacity(count);
    for index in 0..count {
        let element = |argument: &Value| match argument.as_sequence() {
            Some(elements) => elements[index].clone(),
            None => argument.clone(),
        };
        let row: Vec<Value> = given.iter().map(element).collect();
        if let Some(reason) = row.iter().find_map(Value::reason) {
            let one = Value::unknown_of(Type::String, reason.clone());
            results.push(one.refined(|mut refinement| {
                refinement.is_not_null = true;
                refinement
            }));
            continue;
        }
        let one = formatted(context, pattern, &row).map_err(|problem| match problem.kind {
            Kind::Broken => Problem::broken(format!("error on format iteration {index}: {}", problem.message)),
            _ => problem,
        })?;
        results.push(one);
    }
    Ok(Value::list(Type::String, results).with_flow(flow))
}

fn formatted(context: &mut Context<'_>, pattern: &Value, arguments: &[Value]) -> Result<Value, Problem> {
    let format = text(pattern);
    let source = string(pattern).text();
    let mut builder = TextBuilder::default();
    let (mut next, mut highest) = (1, 0);
    let mut rest = 0;
    while rest < format.len() {
        let (part, end) = verb::read(format, rest, next).map_err(Problem::broken)?;
        match part {
            Part::Text(range) => {
                context.budget.text(range.len())?;
                push(context, &mut builder, &source.slice(range), pattern.flow());
            }
            Part::Verb(verb) => {
                highest = highest.max(verb.argument);
                let made = worded(context, &verb, arguments)?;
                let flow = made.flow();
                push(context, &mut builder, string(&made).text(), flow);
                next = verb.argument + 1;
            }
        }
        rest = end;
    }
    if highest < arguments.len() {
        let message = match highest {
            0 => "too many arguments; no verbs in format string".to_owned(),
            used => format!("too many arguments; only {used} used by format string"),
        };
        return Err(Problem::argument(highest + 1, message));
    }
    Ok(Value::string(builder.build()).with_flow(pattern.flow()))
}

/// What stands in the place of a verb.
fn worded(context: &mut Context<'_>, verb: &Verb, arguments: &[Value]) -> Result<Value, Problem> {
    let (raw, at) = (quoted(&verb.raw), verb.offset);
    let Some(argument) = arguments.get(verb.argument - 1) else {
        return Err(Problem::broken(format!(
            "not enough arguments for {raw} at {at}: need index {} but have {} total",
            verb.argument,
            arguments.len()
        )));
    };
    if verb.mode != 'v' && argument.is_null() {
        return Err(Problem::broken(format!("unsupported value for {raw} at {at}: null value cannot be formatted")));
    }
    let unfit = |problem: Problem| match problem.kind {
        Kind::Broken => Problem::broken(format!("unsupported value for {raw} at {at}: {}", problem.message)),
        _ => problem,
    };
    if verb.width.is_some_and(|width| width > MAX_WIDTH) || verb.precision.is_some_and(|digits| digits > MAX_WIDTH) {
        return Err(Problem::limit(format!("the width of {raw} is beyond {MAX_WIDTH}")));
    }
    match verb.mode {
        'v' => {
            let shown = match (verb.sharp, argument.ty()) {
                (false, Type::String) if !argument.is_null() => argument.clone(),
                (false, Type::Number) if !argument.is_null() => {
                    let number = argument.as_number().expect("known and not null");
                    context.budget.step(number.cost())?;
                    computed(context, argument, &number.general(None))
                }
                _ => Value::string(json_of(context, argument).map_err(unfit)?),
            };
            padded(context, verb, shown)
        }
        't' => {
            let bool = convert(context, argument, &Type::Bool).map_err(unfit)?;
            Ok(computed(context, argument, if bool.as_bool() == Some(true) { "true" } else { "false" }))
        }
        'b' | 'd' | 'o' | 'x' | 'X' => {
            let number = convert(context, argument, &Type::Number).map_err(unfit)?;
            let number = number.as_number().expect("converted to a number");
            context.budget.step(number.cost())?;
            if !number.is_integer() {
                return Err(unfit(Problem::broken("an integer is required")));
            }
            let integer = number.truncated().ok_or_else(|| Problem::limit("a number is too long to be spelled out"))?;
            let shown = verb.integer(&integer);
            context.budget.text(shown.len())?;
            Ok(computed(context, argument, &shown))
        }
        'e' | 'E' | 'f' | 'g' | 'G' => {
            let number = convert(context, argument, &Type::Number).map_err(unfit)?;
            let number = number.as_number().expect("converted to a number");
            context.budget.step(number.cost())?;
            let shown = verb.float(number).ok_or_else(|| Problem::limit("a number is too long to be spelled out"))?;
            context.budget.text(shown.len())?;
            Ok(computed(context, argument, &shown))
        }
        's' | 'q' => {
            let mut shown = convert(context, argument, &Type::String).map_err(unfit)?;
            if let Some(most) = verb.precision.filter(|most| *most > 0) {
                let end = text(&shown).grapheme_indices(true).nth(most).map_or(text(&shown).len(), |(at, _)| at);
                let cut = string(&shown).text().slice(0..end);
                shown = Value::string(cut).with_flow(shown.flow());
            }
            if verb.mode == 'q' {
                shown = Value::string(json_of(context, &shown)?);
            }
            padded(context, verb, shown)
        }
        other => Err(Problem::broken(format!("unsupported format verb {other:?} in {raw} at offset {at}"))),
    }
}

/// The widest field, as Go's `fmt` has it.
const MAX_WIDTH: usize = 1_000_000;

fn computed(context: &mut Context<'_>, argument: &Value, shown: &str) -> Value {
    let flow = argument.whole_flow(&mut context.sets);
    Value::string(Text::new(shown.as_bytes(), MadeOf::Derived(flow.data))).with_flow(flow)
}

/// A string in its field.
fn padded(context: &mut Context<'_>, verb: &Verb, shown: Value) -> Result<Value, Problem> {
    let Some(width) = verb.width else { return Ok(shown) };
    let missing = width.saturating_sub(text(&shown).graphemes(true).count());
    if missing == 0 {
        return Ok(shown);
    }
    context.budget.text(missing + text(&shown).len())?;
    let pad = if verb.zero { "0" } else { " " }.repeat(missing);
    let flow = shown.own_flow(&mut context.sets);
    let mut builder = TextBuilder::default();
    let made_of = MadeOf::Derived(flow.data);
    if !verb.minus {
        builder.push_bytes(pad.as_bytes(), made_of, flow.control);
    }
    builder.push(string(&shown).text());
    if verb.minus {
        builder.push_bytes(pad.as_bytes(), made_of, flow.control);
    }
    Ok(Value::string(builder.build()).with_flow(shown.flow()))
}
