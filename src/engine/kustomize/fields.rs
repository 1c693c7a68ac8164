//! The fields of an entry of a kustomization, as Go's JSON decoder finds them.
//!
//! Kustomize makes JSON of its own files and decodes that into structs: a name matches in any case where none matches exactly,
//! null says nothing, a value of another type is an error. What configures a built-in generator or transformer may hold other
//! fields as well; a kustomization may not, and was freed of them before.
//!
//! References: `Kustomization.Unmarshal` of Kustomize 5.5.0 and `encoding/json` of Go 1.23.

use serde_json::{Number, Value};

use super::{
    node::{Content, Entry, Node, Tag},
    problem::Problem,
};
use crate::source::lineage::text::{MadeOf, Text};

/// The values of fields, in the order of their names; nothing for those that are not there or null.
///
/// # Errors
/// Where it is no map.
pub fn fields<'n, const N: usize>(node: &'n Node, names: [&str; N]) -> Result<[Option<&'n Node>; N], Problem> {
    let mut found: [Option<&Entry>; N] = [None; N];
    if node.is_null() {
        return Ok([None; N]);
    }
    let entries = node.entries().ok_or_else(|| mistyped(node, "a map"))?;
    for entry in entries {
        let key = entry.key.lossy();
        let exact = names.iter().position(|name| *name == key);
        match exact.or_else(|| names.iter().position(|name| name.eq_ignore_ascii_case(&key))) {
            // JSON's keys are sorted, and the last one counts.
            Some(at)
                if !entry.value.is_null()
                    && found[at].is_none_or(|known: &Entry| known.key.bytes() <= entry.key.bytes()) =>
            {
                found[at] = Some(entry);
            }
            _ => {}
        }
    }
    Ok(found.map(|entry| entry.map(|entry| &entry.value)))
}

/// The text of a field; empty where there is none. A number or truth value is text as well where text is asked for
/// (`convertToJSONableObject` of `sigs.k8s.io/yaml`).
///
/// # Errors
/// Where it is a list or a map.
pub fn text(node: Option<&Node>) -> Result<Text, Problem> {
    let Some(node) = node else { return Ok(Text::default()) };
    let Content::Scalar(scalar) = &node.content else { return Err(mistyped(node, "a string")) };
    let said = match (scalar.tag, scalar.to_json()) {
        (Tag::String, _) => scalar.text.lossy().into_owned(),
        (_, Ok(Value::Null)) => return Ok(Text::default()),
        (_, Ok(Value::String(text))) => text,
        (_, Ok(Value::Bool(truth))) => truth.to_string(),
        (_, Ok(Value::Number(number))) => decimal(&number).ok_or_else(|| {
            Problem::unsupported(format!("the number {} where a text is expected", scalar.text.lossy()))
        })?,
        _ => return Err(mistyped(node, "a string")),
    };
    printable(&said)?;
    let is_written = said.as_bytes() == scalar.text.bytes();
    Ok(if is_written { scalar.text.clone() } else { Text::new(said.as_bytes(), MadeOf::Derived(node.places)) })
}

/// A number as Go writes it, where that takes no exponent.
fn decimal(number: &Number) -> Option<String> {
    if number.is_i64() || number.is_u64() {
        return Some(number.to_string());
    }
    let float = number.as_f64()?;
    let is_plain = float == 0.0 || (1e-4..if float.fract() == 0.0 { 1e15 } else { 1e6 }).contains(&float.abs());
    is_plain.then(|| float.to_string())
}

/// The texts of a list; a null in it is an empty one.
///
/// # Errors
/// Where it is something else than a list of texts.
pub fn texts(node: Option<&Node>) -> Result<Vec<Text>, Problem> {
    items(node)?.iter().map(|item| text(Some(item))).collect()
}

/// The items of a list; none where there is none.
///
/// # Errors
/// Where it is something else than a list.
pub fn items(node: Option<&Node>) -> Result<&[Node], Problem> {
    node.map_or(Ok(&[]), |node| node.items().ok_or_else(|| mistyped(node, "a list")))
}

/// The entries of a map of texts, sorted by their keys; a null in it is an empty text.
///
/// # Errors
/// Where it is something else than a map of texts.
pub fn pairs(node: Option<&Node>) -> Result<Vec<Entry>, Problem> {
    let Some(node) = node else { return Ok(Vec::new()) };
    let entries = node.entries().ok_or_else(|| mistyped(node, "a map"))?;
    let pair = |entry: &Entry| {
        printable(&entry.key.lossy())?;
        let value = Node { places: entry.value.places, ..Node::string(text(Some(&entry.value))?) };
        Ok(Entry { key: entry.key.clone(), value })
    };
    let mut pairs: Vec<Entry> = entries.iter().map(pair).collect::<Result<_, Problem>>()?;
    pairs.sort_by(|a, b| a.key.bytes().cmp(b.key.bytes()));
    Ok(pairs)
}

/// A truth value; false where there is none.
///
/// # Errors
/// Where it is something else.
pub fn flag(node: Option<&Node>) -> Result<bool, Problem> {
    let Some(node) = node else { return Ok(false) };
    match node.to_json() {
        Ok(Value::Bool(flag)) => Ok(flag),
        Ok(Value::Null) => Ok(false),
        _ => Err(mistyped(node, "true or false")),
    }
}

/// A whole number; 0 where there is none.
///
/// # Errors
/// Where it is something else, or does not fit 64 signed bits.
pub fn integer(node: Option<&Node>) -> Result<i64, Problem> {
    let Some(node) = node else { return Ok(0) };
    let number = match node.to_json() {
        Ok(Value::Null) => return Ok(0),
        Ok(Value::Number(number)) => number,
        _ => return Err(mistyped(node, "a whole number")),
    };
    let whole = |float: f64| {
        // Go prints a float without a fraction as an integer up to here, and with an exponent from there on.
        (float.fract() == 0.0 && float.abs() < 9.0e15).then_some(float as i64)
    };
    number.as_i64().or_else(|| number.as_f64().and_then(whole)).ok_or_else(|| mistyped(node, "a whole number"))
}

/// Fails where go-yaml does not read a character that JSON leaves as it is: Kustomize passes what it decoded through both.
///
/// # Errors
/// Where there is one, and for U+0085, which comes back as a blank or not depending on what is around it.
pub fn printable(text: &str) -> Result<(), Problem> {
    let refused = |c: char| matches!(c, '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}');
    if text.contains(refused) {
        return Err(Problem::broken("yaml: control characters are not allowed"));
    }
    if text.contains('\u{85}') {
        return Err(Problem::unsupported("a text with the control character U+0085, which Kustomize may change"));
    }
    Ok(())
}

fn mistyped(node: &Node, wanted: &str) -> Problem {
    let is = match &node.content {
        Content::Scalar(scalar) => format!("{:?}", scalar.text.lossy()),
        Content::List(_) => "a list".to_owned(),
        Content::Map(_) => "a map".to_owned(),
    };
    Problem::broken(format!("json: cannot unmarshal {is} where {wanted} is expected"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_truth_values_are_text_where_text_is_asked_for() {
        let cases = [
            ("5", Tag::Integer, Some("5")),
            ("0x10", Tag::Integer, Some("16")),
            ("1.50", Tag::Float, Some("1.5")),
            ("1.0", Tag::Float, Some("1")),
            ("true", Tag::Boolean, Some("true")),
            ("null", Tag::Null, Some("")),
            ("yes", Tag::String, Some("yes")),
            ("1234567.5", Tag::Float, None),
            ("a\u{7f}", Tag::String, None),
        ];
        for (written, tag, expected) in cases {
            let node = Node::scalar(Text::plain(written), tag);
            let said = text(Some(&node)).ok();
            assert_eq!(said.as_ref().and_then(Text::as_str), expected, "{written}");
        }
    }

    #[test]
    fn names_match_in_any_case_and_exactly_before_that() {
        let mut node = Node::map();
        for (key, value) in [("NEWTAG", "a"), ("newTag", "b"), ("Name", "c"), ("other", "d")] {
            node.set(Text::plain(key), Node::string(Text::plain(value)));
        }
        let found = fields(&node, ["name", "newTag", "digest"]).expect("a map");
        assert_eq!(found.map(|value| value.and_then(Node::text)), [Some("c"), Some("b"), None]);
    }
}
