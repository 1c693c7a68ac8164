//! What differs between two values, field by field.

use serde::Serialize;
use serde_json::Value;

use super::{
    pointer::Pointer,
    value::{same, same_leaf},
};

/// One field that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldChange {
    /// Where: in the value after for what was added, else in the value before.
    pub path: Pointer,
    /// The value before; absent where the field was added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// The value after; absent where the field was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// Lists what differs between two values, in document order; empty exactly where [`same`] says they are the same.
///
/// Maps are compared by key. Lists are compared position by position after their common beginning and end: what is then
/// left over was added or removed.
pub fn differences(before: &Value, after: &Value) -> Vec<FieldChange> {
    let mut found = Vec::new();
    collect(&Pointer::root(), before, after, &mut found);
    found
}

fn collect(at: &Pointer, before: &Value, after: &Value, found: &mut Vec<FieldChange>) {
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            for (key, before) in old {
                match new.get(key) {
                    Some(after) if same_leaf(before, after) => {}
                    Some(after) => collect(&at.join(key), before, after, found),
                    None => found.push(FieldChange { path: at.join(key), before: Some(before.clone()), after: None }),
                }
            }
            for (key, after) in new.iter().filter(|(key, _)| !old.contains_key(*key)) {
                found.push(FieldChange { path: at.join(key), before: None, after: Some(after.clone()) });
            }
        }
        (Value::Array(old), Value::Array(new)) => collect_items(at, old, new, found),
        _ if same(before, after) => {}
        _ => found.push(FieldChange { path: at.clone(), before: Some(before.clone()), after: Some(after.clone()) }),
    }
}

fn collect_items(at: &Pointer, old: &[Value], new: &[Value], found: &mut Vec<FieldChange>) {
    let head = old.iter().zip(new).take_while(|(a, b)| same(a, b)).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(a, b)| same(a, b)).count();
    let (old, new) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
    for (i, (before, after)) in old.iter().zip(new).enumerate().filter(|(_, (before, after))| !same_leaf(before, after))
    {
        collect(&at.join((head + i).to_string()), before, after, found);
    }
    for (i, before) in old.iter().enumerate().skip(new.len()) {
        found.push(FieldChange { path: at.join((head + i).to_string()), before: Some(before.clone()), after: None });
    }
    for (i, after) in new.iter().enumerate().skip(old.len()) {
        found.push(FieldChange { path: at.join((head + i).to_string()), before: None, after: Some(after.clone()) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(before: Value, after: Value, expected: &[&str]) {
        let found: Vec<String> = differences(&before, &after)
            .iter()
            .map(|change| {
                let show = |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), Value::to_string);
                format!("{} {} {}", change.path, show(&change.before), show(&change.after))
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn fields_are_compared_by_key_and_position() {
        check(json!({"a": 1, "b": {"c": "x"}}), json!({"b": {"c": "y"}, "a": 1.0}), &["/b/c \"x\" \"y\""]);
        check(json!({"a": 1}), json!({"b/c": 1}), &["/a 1 -", "/b~1c - 1"]);
        check(json!([1, 2, 3]), json!([1, 3]), &["/1 2 -"]);
        check(json!([1, 3]), json!([1, 2, 3]), &["/1 - 2"]);
        check(json!([{"n": 1}, {"n": 2}]), json!([{"n": 1}, {"n": 3}]), &["/1/n 2 3"]);
        check(json!({"a": [1]}), json!({"a": {"b": 1}}), &["/a [1] {\"b\":1}"]);
        check(json!({"a": null}), json!({}), &["/a null -"]);
    }
}
