//! What is wanted, in the form in which the source says such things.
//!
//! A provider reports a policy as text in an order of its own. A text that means the same JSON as the declared one is the
//! declared one; one that differs is written as `jsonencode` would write it, or with what differs in the declared text. So a
//! proof can ask for exactly the wanted text. An attribute that is null is one that is not there.

use serde_json::{Map, Value as Json};

use super::value::{Datum, Value};
use crate::{
    model::{
        change::{Action, script},
        value::same,
    },
    source::yaml::{
        edit::{Change, edit},
        resolve::Reader,
    },
};

/// The wanted value of what is declared.
pub fn settled(declared: &Value, wanted: Json) -> Json {
    match (declared.datum(), wanted) {
        (Datum::Mapping(mapping), Json::Object(mut wanted)) => {
            for entry in mapping.entries() {
                let key = entry.key.as_str();
                match wanted.get_mut(key) {
                    Some(value) => *value = settled(&entry.value, value.take()),
                    None if entry.value.is_null() => {
                        wanted.insert(key.to_owned(), Json::Null);
                    }
                    None => {}
                }
            }
            Json::Object(wanted)
        }
        (Datum::Sequence(elements), Json::Array(wanted)) if elements.len() == wanted.len() => {
            elements.iter().zip(wanted).map(|(element, wanted)| settled(element, wanted)).collect()
        }
        (Datum::String(string), Json::String(wanted)) => {
            let text = text(string.as_str(), &wanted, string.encodes().is_some());
            Json::String(text.unwrap_or(wanted))
        }
        (_, wanted) => wanted,
    }
}

/// The wanted text in the form of the declared one, where both are JSON.
fn text(declared: &str, wanted: &str, is_encoded: bool) -> Option<String> {
    let (old, new) = (document(declared)?, document(wanted)?);
    if same(&old, &new) {
        return Some(declared.to_owned());
    }
    if is_encoded {
        return Some(encoded(&new));
    }
    let mut text = declared.to_owned();
    for step in script(&old, &new, &|_| None) {
        let change = match step.action {
            Action::Set(value) => Change::Set(value),
            Action::AddKey { key, value } => Change::InsertKey { key, value },
            Action::AddItem { index, value } => Change::InsertItem { index, value },
            Action::Remove => Change::Remove,
        };
        text = edit(&text, 0, &step.at, &change, Reader::Manifest).ok()?.apply(&text);
    }
    same(&document(&text)?, &new).then_some(text)
}

/// The object or list that a text is as JSON.
pub(super) fn document(text: &str) -> Option<Json> {
    let is_container = text.trim_start().starts_with(['{', '[']);
    is_container.then(|| serde_json::from_str(text).ok())?
}

/// JSON as `jsonencode` writes it: keys sorted, no blanks, `<`, `>`, `&`, U+2028 and U+2029 escaped.
fn encoded(value: &Json) -> String {
    let sorted = sorted(value).to_string();
    let mut out = String::with_capacity(sorted.len());
    for char in sorted.chars() {
        match char {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => out += &format!("\\u{:04x}", u32::from(char)),
            char => out.push(char),
        }
    }
    out
}

fn sorted(value: &Json) -> Json {
    match value {
        Json::Object(map) => {
            let mut entries: Vec<(&String, &Json)> = map.iter().collect();
            entries.sort_by(|a, b| a.0.cmp(b.0));
            Json::Object(entries.into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect::<Map<_, _>>())
        }
        Json::Array(items) => items.iter().map(sorted).collect(),
        Json::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 1e15 => Json::from(float as i64),
            _ => value.clone(),
        },
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_take_the_form_of_the_declared_one() {
        let cases = [
            // The same is the declared one.
            (r#"{"a": 1, "b": [2]}"#, r#"{"b":[2.0],"a":1}"#, false, Some(r#"{"a": 1, "b": [2]}"#)),
            // What a function wrote, as it would write it.
            (r#"{"a":"x"}"#, "{\"b\": 2.0,\n \"a\": \"<\"}", true, Some("{\"a\":\"\\u003c\",\"b\":2}")),
            // What a person wrote, with what differs.
            (
                "{\n  \"a\": [1],\n  \"b\": 2\n}\n",
                r#"{"b":2,"a":[1,3]}"#,
                false,
                Some("{\n  \"a\": [1, 3],\n  \"b\": 2\n}\n"),
            ),
            ("plain", r#"{"b":2}"#, false, None),
            (r#"{"b":2}"#, "plain", true, None),
        ];
        for (declared, wanted, is_encoded, expected) in cases {
            assert_eq!(text(declared, wanted, is_encoded).as_deref(), expected, "{declared} {wanted}");
        }
    }
}
