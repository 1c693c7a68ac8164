//! Go's `regexp`: matching, finding, replacing and splitting. What no match touches, and what a replacement takes from a
//! group, keeps its origins.

pub mod pattern;

use std::ops::Range;

use self::pattern::{Groups, Pattern, Subject};
use super::{
    argument::{decided, int, part, remade, text},
    strings::cut::{cut, listed},
};
use crate::{
    engine::go::{
        quote,
        runes::{Class, first},
    },
    engine::helm::template::{
        context::Context,
        fault::Fault,
        function::{Body, Function, Lineage, Parameter},
        value::{Datum, Value},
    },
    source::lineage::text::{Text as Rope, TextBuilder},
};
use Parameter::{Int, Text};

/// The functions of regular expressions.
pub const FUNCTIONS: &[Function] = &[
    function("regexMatch", &[Text, Text], Lineage::Derived, regex_match),
    function("mustRegexMatch", &[Text, Text], Lineage::Derived, must_regex_match),
    function("regexFind", &[Text, Text], Lineage::Own, |context, arguments| find(context, arguments, panicked)),
    function("mustRegexFind", &[Text, Text], Lineage::Own, |context, arguments| find(context, arguments, returned)),
    function("regexFindAll", &[Text, Text, Int], Lineage::Own, |context, arguments| {
        find_all(context, arguments, panicked)
    }),
    function("mustRegexFindAll", &[Text, Text, Int], Lineage::Own, |context, arguments| {
        find_all(context, arguments, returned)
    }),
    function("regexReplaceAll", &[Text, Text, Text], Lineage::Own, |context, arguments| {
        replace_all(context, arguments, true, panicked)
    }),
    function("mustRegexReplaceAll", &[Text, Text, Text], Lineage::Own, |context, arguments| {
        replace_all(context, arguments, true, returned)
    }),
    function("regexReplaceAllLiteral", &[Text, Text, Text], Lineage::Own, |context, arguments| {
        replace_all(context, arguments, false, panicked)
    }),
    function("mustRegexReplaceAllLiteral", &[Text, Text, Text], Lineage::Own, |context, arguments| {
        replace_all(context, arguments, false, returned)
    }),
    function("regexSplit", &[Text, Text, Int], Lineage::Own, |context, arguments| split(context, arguments, panicked)),
    function("mustRegexSplit", &[Text, Text, Int], Lineage::Own, |context, arguments| {
        split(context, arguments, returned)
    }),
    function("regexQuoteMeta", &[Text], Lineage::Own, quote_meta),
];

const fn function(name: &'static str, parameters: &'static [Parameter], lineage: Lineage, body: Body) -> Function {
    Function { name, parameters, rest: None, lineage, body }
}

/// How a function fails over a pattern that does not compile.
type Failure = fn(&Rope, String) -> Fault;

/// `regexp.MustCompile` panics with the pattern.
fn panicked(source: &Rope, message: String) -> Fault {
    let bytes = source.bytes();
    let backquoted = source.as_str().is_some_and(|text| {
        text.chars().all(|rune| rune != '`' && rune != '\u{FEFF}' && rune != '\u{7F}' && (rune >= ' ' || rune == '\t'))
    });
    let shown = if backquoted { format!("`{}`", String::from_utf8_lossy(bytes)) } else { quote::quoted(bytes) };
    Fault::failed(format!("regexp: Compile({shown}): {message}"))
}

/// `regexp.Compile` answers with the message alone.
fn returned(_: &Rope, message: String) -> Fault {
    Fault::failed(message)
}

/// Compiles the first argument and reads the second one.
fn with_pattern<T>(
    context: &mut Context,
    arguments: &[Value],
    failure: Failure,
    go_on: impl FnOnce(&mut Context, &Pattern, &Subject) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let source = text(&arguments[0])?;
    let compiled = context.patterns.compile(source.bytes(), &mut context.budget)?;
    match &*compiled {
        Ok(pattern) => {
            let subject = Subject::new(text(&arguments[1])?.bytes())?;
            context.budget.step(1 + text(&arguments[1])?.len() / 1_024)?;
            go_on(context, pattern, &subject)
        }
        Err(error) => Err(failure(source, error.to_string())),
    }
}

/// Answers `false` for a pattern that does not compile.
fn regex_match(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let source = text(&arguments[0])?;
    if context.patterns.compile(source.bytes(), &mut context.budget)?.is_err() {
        return Ok(Value::plain(Datum::Bool(false)));
    }
    must_regex_match(context, arguments)
}

fn must_regex_match(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let found = with_pattern(context, arguments, returned, |_, pattern, subject| Ok(pattern.is_match(subject)))?;
    Ok(Value::plain(Datum::Bool(found)))
}

fn find(context: &mut Context, arguments: &[Value], failure: Failure) -> Result<Value, Fault> {
    let found = with_pattern(context, arguments, failure, |_, pattern, subject| Ok(pattern.find(subject)))?;
    part(context, &arguments[1], found.unwrap_or(0..0), &arguments[..1])
}

fn find_all(context: &mut Context, arguments: &[Value], failure: Failure) -> Result<Value, Fault> {
    let count = int(&arguments[2])?;
    let found = with_pattern(context, arguments, failure, |context, pattern, subject| {
        pattern.find_all(subject, count, &mut context.budget)
    })?;
    let by = [arguments[0].clone(), arguments[2].clone()];
    let parts = cut(context, &arguments[1], text(&arguments[1])?, found, &by)?;
    let is_nil = parts.is_empty();
    Ok(never_made(listed(context, parts, &arguments[1], &by)?, is_nil))
}

/// Go's `Split`: up to `count` parts, all for a negative count.
fn split(context: &mut Context, arguments: &[Value], failure: Failure) -> Result<Value, Fault> {
    let (source, subject, count) = (text(&arguments[0])?, text(&arguments[1])?, int(&arguments[2])?);
    let found = with_pattern(context, arguments, failure, |context, pattern, subject| {
        pattern.find_all(subject, count, &mut context.budget)
    })?;
    let mut ranges = Vec::new();
    if count != 0 && !source.is_empty() && subject.is_empty() {
        ranges.push(0..0);
    } else if count != 0 {
        let (mut start, mut end) = (0, 0);
        for next in found {
            if count > 0 && ranges.len() as i64 == count - 1 {
                break;
            }
            end = next.start;
            if next.end != 0 {
                ranges.push(start..end);
            }
            start = next.end;
        }
        if end != subject.len() {
            ranges.push(start..subject.len());
        }
    }
    let by = [arguments[0].clone(), arguments[2].clone()];
    let parts = cut(context, &arguments[1], subject, ranges, &by)?;
    Ok(never_made(listed(context, parts, &arguments[1], &by)?, count == 0))
}

/// Go's `nil`, where it answers so in the place of a list without items.
fn never_made(mut value: Value, is_nil: bool) -> Value {
    if let Datum::List(list) = &mut value.datum {
        list.is_nil = is_nil;
    }
    value
}

/// Replaces every match. With `expands`, `$1` and `${name}` in the replacement stand for groups.
fn replace_all(context: &mut Context, arguments: &[Value], expands: bool, failure: Failure) -> Result<Value, Fault> {
    let (source, replacement, value) = (text(&arguments[1])?, text(&arguments[2])?, &arguments[1]);
    let (pieces, found) = with_pattern(context, arguments, failure, |context, pattern, subject| {
        let pieces = if expands && replacement.bytes().contains(&b'$') {
            template(context, pattern, replacement)
        } else {
            vec![Replacement::Text(0..replacement.len())]
        };
        Ok((pieces, pattern.replaced(subject, &mut context.budget)?))
    })?;
    let control = decided(context, value, &arguments[..1]);
    if found.is_empty() {
        return Ok(Value { control, ..value.clone() });
    }
    let data = value.flow(context).data;
    let because = context.sets.union(data, arguments[2].control);
    let mut builder = TextBuilder::default();
    let mut cursor = source.cursor();
    for groups in &found {
        let whole = groups[0].clone().unwrap_or(0..0);
        context.budget.text(whole.start.saturating_sub(cursor.at()))?;
        cursor.take(whole.start, &mut builder);
        for piece in &pieces {
            context.budget.step(1)?;
            match piece {
                Replacement::Text(range) => {
                    context.budget.text(range.len())?;
                    let part = replacement.slice(range.clone());
                    let sets = &mut context.sets;
                    builder.push_under(&part, |own| sets.union(own, because));
                }
                Replacement::Groups(choice) => {
                    if let Some(range) = choice.iter().find_map(|index| matched(groups, *index)) {
                        context.budget.text(range.len())?;
                        let part = source.slice(range);
                        let (sets, by) = (&mut context.sets, arguments[2].control);
                        builder.push_under(&part, |own| sets.union(own, by));
                    }
                }
            }
        }
        cursor.skip(whole.end);
        if builder.len() > crate::engine::helm::template::context::MAX_TEXT {
            context.budget.text(builder.len())?;
        }
    }
    context.budget.text(source.len() - cursor.at())?;
    cursor.take(source.len(), &mut builder);
    Ok(remade(context, builder.build(), value, control))
}

fn matched(groups: &Groups, index: usize) -> Option<Range<usize>> {
    groups.get(index).cloned().flatten()
}

/// A part of a replacement.
enum Replacement {
    /// Bytes of it.
    Text(Range<usize>),
    /// The first of these groups that took part in the match.
    Groups(Vec<usize>),
}

/// Takes a replacement apart as Go's `Expand` does: `$1x` is the group `1x`, `$$` a dollar, and a dollar before anything
/// else stands for itself.
fn template(context: &Context, pattern: &Pattern, replacement: &Rope) -> Vec<Replacement> {
    let bytes = replacement.bytes();
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(dollar) = bytes[at..].iter().position(|byte| *byte == b'$').map(|found| at + found) {
        parts.push(Replacement::Text(at..dollar));
        let after = dollar + 1;
        if bytes.get(after) == Some(&b'$') {
            parts.push(Replacement::Text(dollar..after));
            at = after + 1;
            continue;
        }
        let Some((name, end)) = name(context, bytes, after) else {
            parts.push(Replacement::Text(dollar..after));
            at = after;
            continue;
        };
        let numeric = name.bytes().all(|byte| byte.is_ascii_digit()) && (name.len() == 1 || !name.starts_with('0'));
        // Go stops reading a number at a hundred million, and takes it for a name.
        let number = name.parse::<usize>().ok().filter(|number| numeric && *number < 1_000_000_000);
        parts.push(Replacement::Groups(match number {
            Some(number) => vec![number],
            None => pattern.groups_of(name).collect(),
        }));
        at = end;
    }
    parts.push(Replacement::Text(at..bytes.len()));
    parts
}

/// A group's name behind a dollar, with or without braces, and where it ends.
fn name<'a>(context: &Context, bytes: &'a [u8], dollar: usize) -> Option<(&'a str, usize)> {
    let braced = bytes.get(dollar) == Some(&b'{');
    let start = dollar + usize::from(braced);
    let mut end = start;
    while let Some((rune, len)) = first(&bytes[end..]) {
        let fits = |class| context.classes.has(class, rune);
        if rune != '_' && !fits(Class::Letter) && !fits(Class::Digit) {
            break;
        }
        end += len;
    }
    let name = std::str::from_utf8(&bytes[start..end]).ok().filter(|name| !name.is_empty())?;
    match braced {
        true if bytes.get(end) == Some(&b'}') => Some((name, end + 1)),
        true => None,
        false => Some((name, end)),
    }
}

/// A backslash before each of `\.+*?()|[]{}^$`.
fn quote_meta(context: &mut Context, arguments: &[Value]) -> Result<Value, Fault> {
    let (source, value) = (text(&arguments[0])?, &arguments[0]);
    let special = |byte: &u8| br"\.+*?()|[]{}^$".contains(byte);
    if !source.bytes().iter().any(special) {
        return Ok(value.clone());
    }
    context.budget.text(source.len().saturating_mul(2))?;
    let mut builder = TextBuilder::default();
    let mut cursor = source.cursor();
    for (at, _) in source.bytes().iter().enumerate().filter(|(_, byte)| special(byte)) {
        cursor.take(at, &mut builder);
        let (made_of, control) = cursor.here();
        let made_of = crate::source::lineage::text::MadeOf::Derived(made_of.set());
        builder.push_bytes(b"\\", made_of, control);
    }
    cursor.take(source.len(), &mut builder);
    Ok(remade(context, builder.build(), value, value.control))
}
