//! Regular expressions: what is found in a string, and what stands in its place.

use super::{
    Function,
    Takes::String as AString,
    argument::{a_string, behind, part, string, takes, text},
    patterns::{Groups, Pattern},
};
use crate::{
    engine::terraform::{
        context::Context,
        problem::Problem,
        types::Type,
        value::{Entry, Value},
    },
    source::lineage::{
        sets::SetId,
        text::{MadeOf, TextBuilder},
    },
};

/// The functions of regular expressions.
pub const FUNCTIONS: &[Function] = &[
    Function::new("regex", &[takes("pattern", AString), takes("string", AString)], answer_type, first).own(),
    Function::new(
        "regexall",
        &[takes("pattern", AString), takes("string", AString)],
        |context, arguments| Ok(Type::list(answer_type(context, arguments)?)),
        all,
    )
    .own(),
    Function::new(
        "replace",
        &[takes("str", AString), takes("substr", AString), takes("replace", AString)],
        a_string,
        replace,
    )
    .own(),
];

/// A string for a pattern without groups, a tuple for groups without names, an object for groups with names.
fn answer_type(context: &mut Context<'_>, arguments: &[Value]) -> Result<Type, Problem> {
    let Some(source) = arguments[0].as_str() else { return Ok(Type::Dynamic) };
    let compiled = context.patterns.compile(source, &mut context.budget)?;
    let pattern = match &*compiled {
        Ok(pattern) => pattern,
        Err(error) => {
            let message = format!("invalid regexp pattern: {} in {}", error.what(), error.text());
            return Err(Problem::argument(0, message));
        }
    };
    let groups = &pattern.names[1..];
    let named = groups.iter().filter(|name| !name.is_empty()).count();
    if groups.is_empty() {
        Ok(Type::String)
    } else if named == 0 {
        Ok(Type::tuple(groups.iter().map(|_| Type::String)))
    } else if named == groups.len() {
        Ok(Type::object(groups.iter().map(|name| (name.clone(), Type::String))))
    } else {
        Err(Problem::argument(0, "invalid regexp pattern: cannot mix both named and unnamed capture groups"))
    }
}

fn with_pattern<T>(
    context: &mut Context<'_>,
    source: &str,
    go_on: impl FnOnce(&mut Context<'_>, &Pattern) -> Result<T, Problem>,
) -> Result<T, Problem> {
    let compiled = context.patterns.compile(source, &mut context.budget)?;
    match &*compiled {
        Ok(pattern) => go_on(context, pattern),
        Err(error) => Err(Problem::broken(error.to_string())),
    }
}

fn first(context: &mut Context<'_>, arguments: &[Value], ty: &Type) -> Result<Value, Problem> {
    with_pattern(context, text(&arguments[0]), |context, pattern| {
        let found = pattern.first(text(&arguments[1]), &mut context.budget)?;
        let found = found.ok_or_else(|| Problem::broken("pattern did not match any part of the given string"))?;
        let by = behind(context, &arguments[..1]);
        captured(context, pattern, &arguments[1], &found, ty, by)
    })
}

fn all(context: &mut Context<'_>, arguments: &[Value], ty: &Type) -> Result<Value, Problem> {
    with_pattern(context, text(&arguments[0]), |context, pattern| {
        let found = pattern.all(text(&arguments[1]), &mut context.budget)?;
        let by = behind(context, &arguments[..1]);
        let element = ty.element().cloned().unwrap_or(Type::Dynamic);
        context.budget.elements(found.len())?;
        let mut elements = Vec::with_capacity(found.len());
        for groups in &found {
            elements.push(captured(context, pattern, &arguments[1], groups, &element, by)?);
        }
        let flow = arguments[1].own_flow(&mut context.sets);
        Ok(Value::list(element, elements).with_flow(flow).under(&mut context.sets, by))
    })
}

/// What a match gives: its groups, or all of it where there are none.
fn captured(
    context: &mut Context<'_>,
    pattern: &Pattern,
    subject: &Value,
    groups: &Groups,
    ty: &Type,
    by: SetId,
) -> Result<Value, Problem> {
    let flow = subject.own_flow(&mut context.sets);
    let group = |context: &mut Context<'_>, index: usize| match groups.get(index).cloned().flatten() {
        Some(range) => part(context, subject, range, by),
        None => Ok(Value::null(Type::String).with_flow(flow).under(&mut context.sets, by)),
    };
    let answer = match ty {
        Type::String => return group(context, 0),
        Type::Tuple(elements) => {
            let values: Vec<Value> =
                (1..=elements.len()).map(|index| group(context, index)).collect::<Result<_, _>>()?;
            Value::tuple(values)
        }
        _ => {
            let mut entries = Vec::with_capacity(pattern.names.len());
            for (index, name) in pattern.names.iter().enumerate().skip(1) {
                entries.push(Entry::plain(name, group(context, index)?));
            }
            Value::object(entries)
        }
    };
    Ok(answer.with_flow(flow).under(&mut context.sets, by))
}

/// A text between slashes is a regular expression, and `$1` in the replacement then stands for its groups.
fn replace(context: &mut Context<'_>, arguments: &[Value], _: &Type) -> Result<Value, Problem> {
    let (subject, wanted) = (text(&arguments[0]), text(&arguments[1]));
    let is_pattern = wanted.len() > 1 && wanted.starts_with('/') && wanted.ends_with('/');
    if is_pattern {
        return with_pattern(context, &wanted[1..wanted.len() - 1], |context, pattern| {
            let found = pattern.replaced(subject, &mut context.budget)?;
            let pieces = template(text(&arguments[2]), pattern);
            spliced(context, arguments, &found, &pieces)
        });
    }
    let found: Vec<Groups> = if wanted.is_empty() {
        let ends = subject.char_indices().map(|(at, _)| at).chain([subject.len()]);
        ends.map(|at| vec![Some(at..at)]).collect()
    } else {
        subject.match_indices(wanted).map(|(at, part)| vec![Some(at..at + part.len())]).collect()
    };
    context.budget.step(found.len())?;
    spliced(context, arguments, &found, &[Piece::Text(0..text(&arguments[2]).len())])
}

/// A part of a replacement.
enum Piece {
    /// Its own text.
    Text(std::ops::Range<usize>),
    /// The first of these groups that took part in the match.
    Groups(Vec<usize>),
}

/// Go's `Expand`: `$name`, `${name}`, `$1`, and `$$` for a dollar sign.
fn template(replacement: &str, pattern: &Pattern) -> Vec<Piece> {
    let (mut pieces, mut start, mut at) = (Vec::new(), 0, 0);
    while let Some(dollar) = replacement[at..].find('$').map(|found| found + at) {
        let rest = &replacement[dollar + 1..];
        let is_name = |character: char| character == '_' || character.is_alphanumeric();
        let name_and_end = if rest.starts_with('$') {
            pieces.push(Piece::Text(start..dollar));
            pieces.push(Piece::Text(dollar..dollar + 1));
            (start, at) = (dollar + 2, dollar + 2);
            continue;
        } else if let Some(braced) = rest.strip_prefix('{') {
            let end = braced.find(|character| !is_name(character)).unwrap_or(braced.len());
            (end > 0 && braced[end..].starts_with('}')).then(|| (&braced[..end], dollar + end + 3))
        } else {
            let end = rest.find(|character| !is_name(character)).unwrap_or(rest.len());
            (end > 0).then(|| (&rest[..end], dollar + 1 + end))
        };
        let Some((name, end)) = name_and_end else {
            at = dollar + 1;
            continue;
        };
        pieces.push(Piece::Text(start..dollar));
        let by_number = name.bytes().all(|byte| byte.is_ascii_digit()) && !(name.len() > 1 && name.starts_with('0'));
        let groups = match name.parse::<usize>() {
            Ok(number) if by_number && number < 100_000_000 => vec![number],
            _ => {
                let named = pattern.names.iter().enumerate().filter(|(_, other)| &***other == name);
                named.map(|(index, _)| index).collect()
            }
        };
        pieces.push(Piece::Groups(groups));
        (start, at) = (end, end);
    }
    pieces.push(Piece::Text(start..replacement.len()));
    pieces
}

/// Puts a replacement into the places of matches. What stays keeps its origins, and so do the replacement's own text and
/// the groups in it.
fn spliced(
    context: &mut Context<'_>,
    arguments: &[Value],
    found: &[Groups],
    pieces: &[Piece],
) -> Result<Value, Problem> {
    let (subject, replacement) = (string(&arguments[0]).text(), string(&arguments[2]).text());
    let by = behind(context, &arguments[1..2]);
    if found.is_empty() {
        return Ok(arguments[0].clone().under(&mut context.sets, by));
    }
    let there = behind(context, &arguments[..1]);
    let because = context.sets.union_all([by, there, arguments[2].flow().control]);
    let mut builder = TextBuilder::default();
    let mut cursor = subject.cursor();
    for groups in found {
        let whole = groups.first().cloned().flatten().unwrap_or(0..0);
        context.budget.text(whole.start.saturating_sub(cursor.at()))?;
        cursor.take(whole.start, &mut builder);
        for piece in pieces {
            context.budget.step(1)?;
            let part = match piece {
                Piece::Text(range) if range.is_empty() => continue,
                Piece::Text(range) => replacement.slice(range.clone()),
                Piece::Groups(choice) => {
                    let taken = choice.iter().find_map(|index| groups.get(*index).cloned().flatten());
                    let Some(range) = taken else { continue };
                    subject.slice(range)
                }
            };
            context.budget.text(part.len())?;
            if part.pieces().is_empty() {
                builder.push_bytes(part.bytes(), MadeOf::Derived(arguments[2].flow().data), because);
            } else {
                let sets = &mut context.sets;
                builder.push_under(&part, |own| sets.union(own, because));
            }
        }
        cursor.skip(whole.end);
    }
    context.budget.text(subject.len() - cursor.at())?;
    cursor.take(subject.len(), &mut builder);
    Ok(Value::string(builder.build()).with_flow(arguments[0].flow()).under(&mut context.sets, by))
}
