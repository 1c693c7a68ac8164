//! What JSON makes of an object's values.
//!
//! On the way through JSON an integer keeps its digits until it is read again, as a 64-bit float.

use serde_json::{Number, Value};

use crate::{
    engine::kustomize::{
        context::Context,
        node::{Content, Node, Scalar, Style, Tag},
        print,
        problem::Problem,
    },
    source::{
        lineage::text::{MadeOf, Text},
        yaml::{
            resolve::{self, Reader},
            write::{self, Dialect},
        },
    },
};

/// What a patch in JSON says, and whether it could be written otherwise.
pub(super) struct Spelled {
    pub(super) value: Value,
    pub(super) is_unusual: bool,
}

/// Reads a patch in JSON.
pub(super) fn spelled(text: &[u8]) -> Result<Spelled, Problem> {
    let value: Value =
        serde_json::from_slice(text).map_err(|error| Problem::broken(format!("invalid JSON patch: {error}")))?;
    let value = regular(value);
    // Go's encoder escapes these; an escape of any other kind, a fraction of zero or an exponent is spelled otherwise too.
    let is_unusual = text.iter().any(|byte| b"\\<>&".contains(byte) || !byte.is_ascii())
        || numbers(text).any(|number| number.contains(['.', 'e', 'E']) || number == "-0");
    Ok(Spelled { value, is_unusual })
}

/// The parts of a text that are numbers outside of JSON's texts.
fn numbers(text: &[u8]) -> impl Iterator<Item = &str> {
    let outside = text.split(|byte| *byte == b'"').step_by(2);
    let of = |part| std::str::from_utf8(part).unwrap_or_default();
    outside.map(of).flat_map(|part| part.split([',', ':', '[', ']', '{', '}', ' ', '\n', '\t', '\r']))
}

/// A value whose numbers are written as Go's encoder does.
pub(super) fn value(node: &Node, reader: Reader) -> Result<Value, Problem> {
    Ok(match &node.content {
        Content::Scalar(scalar) => regular(of_scalar(scalar, reader)?),
        Content::List(items) => Value::Array(items.iter().map(|item| value(item, reader)).collect::<Result<_, _>>()?),
        Content::Map(entries) => {
            let entry = |entry: &crate::engine::kustomize::node::Entry| {
                Ok((entry.key.lossy().into_owned(), value(&entry.value, reader)?))
            };
            Value::Object(entries.iter().map(entry).collect::<Result<_, Problem>>()?)
        }
    })
}

/// Whole numbers as such, so that equal texts of Go's encoder are equal here.
fn regular(value: Value) -> Value {
    match value {
        Value::Number(number) => match (encoded(&number).parse::<i64>(), number.as_f64()) {
            (Ok(whole), _) => whole.into(),
            (Err(_), Some(float)) => float.into(),
            (Err(_), None) => Value::Number(number),
        },
        Value::Array(items) => Value::Array(items.into_iter().map(regular).collect()),
        Value::Object(entries) => {
            Value::Object(entries.into_iter().map(|(key, value)| (key, regular(value))).collect())
        }
        other => other,
    }
}

/// Null that no file says.
pub(super) fn null() -> Node {
    Node::scalar(Text::plain("null"), Tag::Null)
}

/// The value of an operation, each scalar in the form that Go's JSON encoder gives it.
pub(super) fn exact(node: Node, context: &mut Context<'_>) -> Result<Node, Problem> {
    each_scalar(node, context, &|scalar| {
        Ok(match of_scalar(scalar, Reader::Manifest)? {
            Value::Number(number) => {
                let text = encoded(&number);
                let is_whole = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
                (text, if is_whole { Tag::Integer } else { Tag::Float }, false)
            }
            other => plain(other),
        })
    })
}

/// An object after its way through JSON.
pub(super) fn round(node: Node, context: &mut Context<'_>) -> Result<Node, Problem> {
    each_scalar(node, context, &|scalar| {
        Ok(match of_scalar(scalar, Reader::Kustomize)? {
            Value::Number(number) => {
                let text = general(number.as_f64().unwrap_or_default());
                let is_whole = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
                (text, if is_whole { Tag::Integer } else { Tag::Float }, false)
            }
            other => plain(other),
        })
    })
}

/// A text, truth value or null as go-yaml v3 prints and reads it.
fn plain(value: Value) -> (String, Tag, bool) {
    match value {
        Value::String(text) => {
            let is_quoted = write::is_quoted(&text, Dialect::Three);
            (text, Tag::String, is_quoted)
        }
        Value::Bool(value) => (value.to_string(), Tag::Boolean, false),
        _ => ("null".to_owned(), Tag::Null, false),
    }
}

/// Tells whether a text is put in quotes where Kustomize sets a label or an annotation.
pub(super) fn is_quoted_as_text(text: &str) -> bool {
    text.contains('\n') || !text.is_empty() && !resolve::is_string(text, Reader::Manifest)
}

fn of_scalar(scalar: &Scalar, reader: Reader) -> Result<Value, Problem> {
    let text = scalar.text.lossy();
    match scalar.tag {
        Tag::String => {
            // The object is printed before it becomes JSON, the patch is not.
            let printed = (reader == Reader::Kustomize).then(|| print::folded(scalar)).flatten();
            Ok(Value::String(printed.unwrap_or_else(|| text.into_owned())))
        }
        Tag::Null if scalar.is_quoted() => Ok(Value::String(text.into_owned())),
        Tag::Null => Ok(Value::Null),
        Tag::Boolean | Tag::Integer | Tag::Float | Tag::Timestamp | Tag::Unresolved => {
            resolve::plain(&text, reader).map_err(|error| Problem::broken(format!("json: unsupported value: {error}")))
        }
    }
}

/// Changes each scalar to a text and tag. A text that stays as it is keeps its origin.
fn each_scalar(
    node: Node,
    context: &mut Context<'_>,
    to: &impl Fn(&Scalar) -> Result<(String, Tag, bool), Problem>,
) -> Result<Node, Problem> {
    context.spend(1)?;
    let places = node.places;
    let content = match node.content {
        Content::Scalar(scalar) => {
            let (text, tag, is_quoted) = to(&scalar)?;
            let text = if scalar.text.bytes() == text.as_bytes() {
                scalar.text
            } else {
                Text::new(text.as_bytes(), MadeOf::Derived(places))
            };
            let style = if is_quoted { Style::Quoted } else { Style::Plain };
            Content::Scalar(Scalar { text, tag, style })
        }
        Content::List(items) => {
            Content::List(items.into_iter().map(|item| each_scalar(item, context, to)).collect::<Result<_, _>>()?)
        }
        Content::Map(mut entries) => {
            for entry in &mut entries {
                let value = std::mem::replace(&mut entry.value, Node::map());
                entry.value = each_scalar(value, context, to)?;
            }
            Content::Map(entries)
        }
    };
    Ok(Node { content, places })
}

/// As Go's JSON encoder prints a number.
fn encoded(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => {
            if float != 0.0 && (float.abs() < 1e-6 || float.abs() >= 1e21) {
                let text = format!("{float:e}");
                if text.contains("e-") { text } else { text.replace('e', "e+") }
            } else {
                format!("{float}")
            }
        }
        _ => number.to_string(),
    }
}

/// As Go's `%g` prints a number with as few digits as tell it from others.
fn general(float: f64) -> String {
    let text = format!("{float:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    // The shortest form counts as one of six digits.
    if (-4..6).contains(&exponent) {
        return format!("{float}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_printed_as_go_does() {
        let cases = [
            (0.0, "0"),
            (5.0, "5"),
            (100_000.0, "100000"),
            (1_000_000.0, "1e+06"),
            (12_345_678.0, "1.2345678e+07"),
            (-1.5, "-1.5"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (9_007_199_254_740_993.0, "9.007199254740992e+15"),
            (1e100, "1e+100"),
        ];
        for (float, expected) in cases {
            assert_eq!(general(float), expected);
        }
        let cases = [(1e20, "100000000000000000000"), (1e21, "1e+21"), (1.5, "1.5"), (1e-7, "1e-7")];
        for (float, expected) in cases {
            assert_eq!(encoded(&Number::from_f64(float).expect("a number")), expected);
        }
    }
}
