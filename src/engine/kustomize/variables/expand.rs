//! The expansion of `$(NAME)`.
//!
//! References: `api/filters/refvar/expand.go` and `refvar.go` of Kustomize 5.5.0.

use std::collections::BTreeMap;

use crate::{
    engine::kustomize::{
        node::{Content, Node, Tag},
        problem::Problem,
    },
    source::lineage::text::{MadeOf, Text, TextBuilder},
};

/// The value of a variable.
#[derive(Clone, Debug)]
pub enum Value {
    /// A text.
    Text(Text),
    /// A number or truth value: what it is alone, with its type, and what it is within a text.
    Typed {
        /// Alone.
        alone: Text,
        /// Its type.
        tag: Tag,
        /// Within a text.
        within: Text,
    },
    /// A map or list, which is never put in.
    Structure,
}

/// What became of a text.
#[derive(Clone, Debug)]
pub enum Expanded {
    /// It has nothing to expand.
    Same,
    /// Another text.
    Text(Text),
    /// It was one variable and nothing else, so that it takes the variable's type.
    Value(Text, Tag),
}

impl Value {
    /// What a node is as a value (`RNode.GetFieldValue`); nothing for a number that Go's functions for decimal numbers refuse.
    pub fn of(node: &Node) -> Option<Self> {
        let Content::Scalar(scalar) = &node.content else { return Some(Self::Structure) };
        let said = scalar.text.as_str()?;
        let text = |text: String| match text == said {
            true => scalar.text.clone(),
            false => Text::new(text.as_bytes(), MadeOf::Derived(node.places)),
        };
        let typed =
            |alone: String, tag: Tag, within: String| Self::Typed { alone: text(alone), tag, within: text(within) };
        Some(match scalar.tag {
            Tag::Integer => {
                let number = said.parse::<i64>().ok()?.to_string();
                typed(number.clone(), Tag::Integer, number)
            }
            Tag::Float => {
                let number = said.parse::<f64>().ok().filter(|number| number.is_finite())?;
                typed(number.to_string(), Tag::Float, general(number))
            }
            Tag::Boolean => {
                let is_true = said.eq_ignore_ascii_case("true");
                typed(is_true.to_string(), Tag::Boolean, is_true.to_string())
            }
            Tag::String | Tag::Null | Tag::Timestamp | Tag::Unresolved => Self::Text(scalar.text.clone()),
        })
    }
}

/// A number as Go's `%v` prints it: with an exponent where that is below -4 or above 5.
fn general(number: f64) -> String {
    let scientific = format!("{number:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    match exponent.parse::<i32>() {
        Ok(exponent) if (-4..6).contains(&exponent) => number.to_string(),
        Ok(exponent) => format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs()),
        Err(_) => scientific,
    }
}

/// Replaces the variables of a text: `$(NAME)` where there is such a variable, `$$` by `$`. Everything else stays.
///
/// # Errors
/// Where a `$` stands before a character beyond ASCII, which Kustomize tears apart.
pub fn expand(input: &Text, values: &BTreeMap<&str, Value>) -> Result<Expanded, Problem> {
    let bytes = input.bytes();
    if !bytes.contains(&b'$') {
        return Ok(Expanded::Same);
    }
    let mut text = TextBuilder::default();
    let (mut at, mut copied) = (0, 0);
    while at + 1 < bytes.len() {
        if bytes[at] != b'$' {
            at += 1;
            continue;
        }
        text.push_slice(input, copied..at);
        copied = match bytes[at + 1] {
            b'$' => {
                text.push_slice(input, at..at + 1);
                at + 2
            }
            b'(' => match bytes[at + 2..].iter().position(|byte| *byte == b')').map(|length| at + 2 + length) {
                Some(end) => {
                    let name = std::str::from_utf8(&bytes[at + 2..end]).unwrap_or_default();
                    match values.get(name) {
                        Some(Value::Text(value)) if at == 0 && end + 1 == bytes.len() => {
                            return Ok(Expanded::Value(value.clone(), Tag::String));
                        }
                        Some(Value::Typed { alone, tag, .. }) if at == 0 && end + 1 == bytes.len() => {
                            return Ok(Expanded::Value(alone.clone(), *tag));
                        }
                        Some(Value::Text(value) | Value::Typed { within: value, .. }) => text.push(value),
                        Some(Value::Structure) | None => text.push_slice(input, at..end + 1),
                    }
                    end + 1
                }
                None => {
                    text.push_slice(input, at..at + 2);
                    at + 2
                }
            },
            0x80.. => {
                let problem =
                    "a $ before a character beyond ASCII in a field of variables, which Kustomize tears apart";
                return Err(Problem::unsupported(problem));
            }
            _ => {
                text.push_slice(input, at..at + 2);
                at + 2
            }
        };
        at = copied;
    }
    text.push_slice(input, copied..bytes.len());
    Ok(Expanded::Text(text.build()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_expand_as_in_kustomize() {
        let typed = |alone: &str, tag: Tag, within: &str| Value::Typed {
            alone: Text::plain(alone),
            tag,
            within: Text::plain(within),
        };
        let values = BTreeMap::from([
            ("I", typed("10", Tag::Integer, "10")),
            ("F", typed("1234567", Tag::Float, "1.234567e+06")),
            ("M", Value::Structure),
            ("X", Value::Text(Text::plain("c"))),
        ]);
        let cases = [
            ("$(I)", "10", Some(Tag::Integer)),
            ("x$(I)", "x10", None),
            ("$(F)", "1234567", Some(Tag::Float)),
            ("x$(F)", "x1.234567e+06", None),
            ("x$(M)", "x$(M)", None),
            ("$(X)$(X)", "cc", None),
            ("$(U)", "$(U)", None),
            ("$$(I)", "$(I)", None),
            ("$$$(I)", "$10", None),
            ("$(I", "$(I", None),
            ("$", "$", None),
            ("a$b", "a$b", None),
            ("$$", "$", None),
            ("$(I)$", "10$", None),
            ("$()", "$()", None),
            ("$(I)(", "10(", None),
        ];
        for (input, expected, tag) in cases {
            let (text, kind) = match expand(&Text::plain(input), &values).expect("expands") {
                Expanded::Same => (Text::plain(input), None),
                Expanded::Text(text) => (text, None),
                Expanded::Value(text, tag) => (text, Some(tag)),
            };
            assert_eq!((text.lossy().as_ref(), kind), (expected, tag), "{input}");
        }
    }
}
