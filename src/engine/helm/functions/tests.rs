//! Helm's own answers. Each line of a table is an expression and what helm 3.17.3 makes of it, printed with `%#v`; behind
//! `!` stands the message that it fails with.

use super::{case, encode, lists, regex, strings};
use crate::{
    engine::helm::template::{
        context::Context,
        fault::Fault,
        function::Function,
        print,
        value::{Datum, Map, MapKind, Value},
    },
    source::lineage::text::Text,
};

mod origins;

#[test]
fn strings_are_those_of_helm() {
    compare(include_str!("tests/strings.txt"));
}

#[test]
fn cases_are_those_of_helm() {
    compare(include_str!("tests/case.txt"));
}

#[test]
fn lists_are_those_of_helm() {
    compare(include_str!("tests/lists.txt"));
}

#[test]
fn regular_expressions_are_those_of_helm() {
    compare(include_str!("tests/regex.txt"));
}

fn compare(table: &str) {
    let rows = table.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut wrong = Vec::new();
    for row in rows {
        let (expression, expected) = row.rsplit_once(" => ").expect("a row has an answer");
        let mut context = Context::default();
        let got = match evaluate(expression, &mut context) {
            Ok(value) => shown(&value, &mut context),
            Err(fault) => format!("! {}", fault.message.replace('\n', "\\n")),
        };
        if got != expected {
            wrong.push(format!("{expression}\n  helm {expected}\n  here {got}"));
        }
    }
    assert!(wrong.is_empty(), "{} answers differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// A function's table entry.
pub(super) fn function(name: &str) -> &'static Function {
    [strings::FUNCTIONS, case::FUNCTIONS, lists::FUNCTIONS, regex::FUNCTIONS, encode::FUNCTIONS]
        .into_iter()
        .flatten()
        .find(|function| function.name == name)
        .unwrap_or_else(|| panic!("there is no function {name}"))
}

/// An expression of calls, brackets and constants.
fn evaluate(expression: &str, context: &mut Context) -> Result<Value, Fault> {
    let mut rest = expression;
    let value = call(&mut rest, context)?;
    assert_eq!(rest, "", "{expression} is read to its end");
    Ok(value)
}

fn call(rest: &mut &str, context: &mut Context) -> Result<Value, Fault> {
    let end = rest.find([' ', ')']).unwrap_or(rest.len());
    let name = &rest[..end];
    *rest = &rest[end..];
    let mut arguments = Vec::new();
    while let Some(after) = rest.strip_prefix(' ') {
        *rest = after;
        arguments.push(operand(rest, context)?);
    }
    if name == "dict" {
        let map = Map::new(MapKind::Any);
        for pair in arguments.chunks(2) {
            let Datum::Text(key) = &pair[0].datum else { panic!("a key is a text") };
            map.insert(key.clone(), pair[1].clone());
        }
        return Ok(Value::plain(Datum::Map(map)));
    }
    (function(name).body)(context, &arguments)
}

fn operand(rest: &mut &str, context: &mut Context) -> Result<Value, Fault> {
    if let Some(after) = rest.strip_prefix('(') {
        *rest = after;
        let value = call(rest, context)?;
        *rest = rest.strip_prefix(')').expect("a bracket is closed");
        return Ok(value);
    }
    if rest.starts_with(['"', '`']) {
        return Ok(Value::text(Text::plain(constant(rest))));
    }
    let end = rest.find([' ', ')']).unwrap_or(rest.len());
    let word = &rest[..end];
    *rest = &rest[end..];
    Ok(Value::plain(match word {
        "nil" => Datum::Nil,
        "true" | "false" => Datum::Bool(word == "true"),
        _ if word.contains('.') => Datum::Float(word.parse().expect("a float")),
        _ => Datum::Int(word.parse().expect("an integer")),
    }))
}

/// A string constant, unquoted.
fn constant(rest: &mut &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut characters = rest[1..].chars();
    let raw = rest.starts_with('`');
    loop {
        match characters.next().expect("a constant ends") {
            '`' if raw => break,
            '"' if !raw => break,
            '\\' if !raw => {
                let escape = characters.next().expect("an escape has a letter");
                let mut code = |digits: usize| {
                    let text = &characters.as_str()[..digits];
                    characters = characters.as_str()[digits..].chars();
                    u32::from_str_radix(text, 16).expect("a code")
                };
                let character = match escape {
                    'x' => {
                        bytes.push(code(2) as u8);
                        continue;
                    }
                    'u' => char::from_u32(code(4)).expect("a character"),
                    'U' => char::from_u32(code(8)).expect("a character"),
                    'a' => '\u{7}',
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'v' => '\u{b}',
                    other => other,
                };
                bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            other => bytes.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    *rest = characters.as_str();
    bytes
}

/// A value as `%#v` prints it.
fn shown(value: &Value, context: &mut Context) -> String {
    let text = print::printf(&Text::plain("%#v"), std::slice::from_ref(value), context).expect("a value is printed");
    text.lossy().into_owned()
}
