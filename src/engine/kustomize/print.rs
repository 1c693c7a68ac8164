//! Objects as `kubectl kustomize` prints them.
//!
//! Kustomize prints an object with go-yaml v3, reads that again, and prints the result with v2, keys sorted. What the first
//! printing says otherwise than it was meant is lost on the way.

use serde_json::{Number, Value};

use super::{
    context::Context,
    node::{Content, Node, Scalar, Style, Tag},
    problem::Problem,
};
use crate::source::{
    lineage::{sets::Flow, text::Text},
    yaml::{
        parse::parse,
        tree::NodeKind,
        write::{self, Dialect, Entry, TooLong},
    },
};

/// How deep an object may nest. A document of a file nests less; patches put one into another.
const MAX_NESTING: usize = 256;

/// The most bytes of one printed object.
const MAX_PRINTED: usize = 16 << 20;

/// What an object is once it is printed and read again.
///
/// # Errors
/// As [`counted`].
pub fn value(object: &Node, context: &mut Context<'_>) -> Result<Value, Problem> {
    counted(object, context).map(|(value, _)| value)
}

/// What an object is once it is printed and read again, and how many values it has.
///
/// # Errors
/// Where it says what JSON cannot, and where it nests too deeply.
pub fn counted(object: &Node, context: &mut Context<'_>) -> Result<(Value, usize), Problem> {
    let mut printing = Printing { context, values: 0 };
    let mut value = printing.value(object, 0)?;
    let values = printing.values;
    // Kustomize has written these anew, in no style.
    let annotations = object.at(&["metadata", "annotations"]).and_then(Node::entries).unwrap_or_default();
    for entry in annotations {
        if let (Some(Value::String(printed)), Some(text)) = (
            value.pointer_mut("/metadata/annotations").and_then(|map| map.get_mut(&*entry.key.lossy())),
            entry.value.text(),
        ) {
            text.clone_into(printed);
        }
    }
    Ok((value, values))
}

/// Objects as text, one document each.
///
/// # Errors
/// Where the text of one becomes too long.
pub fn documents<'v>(values: impl Iterator<Item = &'v Value>) -> Result<String, TooLong> {
    let mut printed = String::new();
    for value in values {
        if !printed.is_empty() {
            printed += "---\n";
        }
        printed += &write::write(&printable(value), Dialect::Two, MAX_PRINTED)?.lossy();
    }
    Ok(printed)
}

struct Printing<'p, 't> {
    context: &'p mut Context<'t>,
    values: usize,
}

impl Printing<'_, '_> {
    fn value(&mut self, node: &Node, depth: usize) -> Result<Value, Problem> {
        self.context.spend(1)?;
        self.values += 1;
        if depth > MAX_NESTING {
            return Err(Problem::limit(format!("an object nests more than {MAX_NESTING} levels deep")));
        }
        Ok(match &node.content {
            Content::List(items) => {
                Value::Array(items.iter().map(|item| self.value(item, depth + 1)).collect::<Result<_, _>>()?)
            }
            Content::Map(entries) => {
                let mut map = serde_json::Map::with_capacity(entries.len());
                for entry in entries {
                    let key = entry.key.lossy().into_owned();
                    let value = self.value(&entry.value, depth + 1)?;
                    if map.insert(key, value).is_some() {
                        let key = entry.key.lossy();
                        return Err(Problem::broken(format!("mapping key \"{key}\" already defined")));
                    }
                }
                Value::Object(map)
            }
            Content::Scalar(scalar) => match folded(scalar) {
                Some(text) => Value::String(text),
                None => scalar.to_json().map_err(|text| Problem::broken(format!("json: unsupported value: {text}")))?,
            },
        })
    }
}

/// What becomes of a text that is printed as a folded block scalar; nothing where it stays as it is.
pub fn folded(scalar: &Scalar) -> Option<String> {
    (scalar.style == Style::Folded && scalar.tag == Tag::String).then(|| refolded(&scalar.text.lossy()))?
}

/// A text after go-yaml v3 has printed it as a folded block scalar; nothing where it would be printed otherwise.
///
/// `yaml_emitter_write_folded_scalar` asks the start of the text, rather than the line that comes, whether a line break has
/// to be doubled.
fn refolded(text: &str) -> Option<String> {
    let special = |c: char| c.is_control() && c != '\n' && c != '\t';
    if !text.contains('\n') || text.contains(" \n") || text.ends_with(' ') || text.contains(special) {
        return None;
    }
    let doubled = text.trim_start_matches('\n').chars().next().is_some_and(|c| !matches!(c, ' ' | '\t'));
    if text.chars().all(|c| matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{1fff}')) {
        return Some(reread(text, doubled));
    }
    parsed(text, doubled)
}

/// What is read of a text of plain characters that was printed so: between two lines of which neither begins with a blank
/// the first line break is none.
fn reread(text: &str, doubled: bool) -> String {
    let mut read = String::with_capacity(text.len() + text.len() / 16);
    let mut put = |breaks: usize, line: &str| {
        read.extend(std::iter::repeat_n('\n', breaks));
        read.push_str(line);
    };
    let (mut breaks, mut above) = (0, None);
    for (number, line) in text.split('\n').enumerate() {
        breaks += usize::from(number > 0);
        if line.is_empty() {
            continue;
        }
        let is_more = line.starts_with(' ');
        match above {
            None | Some(true) => put(breaks, line),
            Some(false) if is_more => put(breaks + usize::from(doubled), line),
            Some(false) if doubled => put(breaks, line),
            Some(false) if breaks == 1 => {
                put(0, " ");
                put(0, line);
            }
            Some(false) => put(breaks - 1, line),
        }
        (breaks, above) = (0, Some(is_more));
    }
    let kept = breaks > 1 && doubled && above == Some(false);
    put(breaks + usize::from(kept), "");
    read
}

/// The same for any text: it is printed and read.
fn parsed(text: &str, doubled: bool) -> Option<String> {
    let mut printed = String::from("- >");
    if text.starts_with([' ', '\n']) {
        printed.push('2');
    }
    match text.strip_suffix('\n') {
        None => printed.push('-'),
        Some(rest) if rest.is_empty() || rest.ends_with('\n') => printed.push('+'),
        Some(_) => {}
    }
    printed.push('\n');
    let (mut breaks, mut leading_blank) = (true, true);
    for c in text.chars() {
        if c == '\n' {
            if !breaks && !leading_blank && doubled {
                printed.push('\n');
            }
            printed.push('\n');
            breaks = true;
        } else {
            if breaks {
                printed.push_str("  ");
                leading_blank = matches!(c, ' ' | '\t');
            }
            printed.push(c);
            breaks = false;
        }
    }
    let stream = parse(&printed).ok()?;
    let document = stream.documents.first()?;
    document.nodes.iter().find_map(|node| match &node.kind {
        NodeKind::Scalar { text, .. } => Some(text.clone()),
        _ => None,
    })
}

fn printable(value: &Value) -> write::Node {
    let content = match value {
        Value::Null => write::Content::Bare(Text::plain("null")),
        Value::Bool(value) => write::Content::Bare(Text::plain(value.to_string())),
        Value::Number(value) => write::Content::Bare(Text::plain(number(value))),
        Value::String(text) => write::Content::Text(Text::plain(text)),
        Value::Array(items) => write::Content::List(items.iter().map(printable).collect()),
        Value::Object(map) => {
            let entry = |(key, value): (&String, &Value)| Entry {
                key: Text::plain(key),
                key_flow: Flow::default(),
                value: printable(value),
            };
            let mut entries = map.iter().map(entry).collect();
            write::sort(&mut entries, Dialect::Two);
            write::Content::Map(entries)
        }
    };
    write::Node { content, flow: Flow::default() }
}

/// A number as go-yaml v2 prints it: one that is no integer of 64 bits in its shortest form, with an exponent below 1e-4 and
/// from 1e6.
fn number(number: &Number) -> String {
    let float = match number.as_f64() {
        Some(float) if number.is_f64() => float,
        _ => return number.to_string(),
    };
    let (scientific, plain) = (format!("{float:e}"), format!("{float}"));
    if plain.parse::<i64>().is_ok() || plain.parse::<u64>().is_ok() {
        return plain;
    }
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return plain };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) {
        return plain;
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What kubectl 1.32 prints of a ConfigMap with the text as a folded block scalar.
    #[test]
    fn folded_texts_change_as_they_do_in_kustomize() {
        let cases = [
            ("a\n  b\nc\n", "a\n\n  b\nc\n"),
            (" a\nb\nc\n", " a\nb c\n"),
            ("a\nb\n", "a\nb\n"),
            ("\na\nb\n", "\na\nb\n"),
            ("a\n\n b\n\nc\n\n", "a\n\n\n b\n\nc\n\n\n"),
            ("\n a\nb\n\nc", "\n a\nb\nc"),
            ("a\n b\n c\nd\n", "a\n\n b\n c\nd\n"),
            ("- x\n  y\n", "- x\n\n  y\n"),
        ];
        for (text, expected) in cases {
            assert_eq!(refolded(text).as_deref(), Some(expected), "{text:?}");
        }
        assert_eq!(refolded("a \nb\n"), None);
    }

    proptest! {
        #[test]
        fn what_is_read_needs_no_printing(
            text in "\n{0,3} {0,2}[ab:#>-]{1,2}(\n{1,3} {0,2}[ab:#>-]{1,2}( [ab])?){1,6}\n{0,3}",
            doubled: bool,
        ) {
            prop_assert_eq!(parsed(&text, doubled), Some(reread(&text, doubled)));
        }
    }
}
