//! Values of rendered resources: plain JSON, compared the way Kubernetes and Terraform compare it.
//!
//! `serde_json::Value` is used as it is (key order kept); only what JSON leaves open is decided here.

use serde_json::{Number, Value};

/// Tells whether two values mean the same: numbers by value (`1` is `1.0`), maps without regard to key order.
pub fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => same_number(a, b),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

/// Tells whether two values are the same and hold no others: what can be known at once of the many fields that stay.
pub fn same_leaf(a: &Value, b: &Value) -> bool {
    !a.is_object() && !a.is_array() && same(a, b)
}

/// The number of values that a value is made of, itself included.
pub fn size(value: &Value) -> usize {
    let inside: usize = match value {
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(map) => map.values().map(size).sum(),
        _ => 0,
    };
    inside + 1
}

/// Names a value's JSON type the way an error message needs it: `a list`, `a map`, …
pub fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

/// Shows a value as JSON on one line, cut after `limit` characters with `…`.
pub fn shown(value: &Value, limit: usize) -> String {
    let text = value.to_string();
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn same_number(a: &Number, b: &Number) -> bool {
    a == b || (a.is_f64() || b.is_f64()) && a.as_f64() == b.as_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_value_counts() {
        assert_eq!([json!(null), json!([]), json!({"a": [1, {}], "b": ""})].map(|value| size(&value)), [1, 1, 5]);
    }

    #[test]
    fn numbers_compare_by_value_and_integers_exactly() {
        assert!(same(&json!({"a": 1, "b": [2.5]}), &json!({"b": [2.5], "a": 1.0})));
        assert!(!same(&json!(9007199254740993_i64), &json!(9007199254740992_i64)));
        assert!(!same(&json!(1), &json!("1")));
        assert!(!same(&json!({"a": null}), &json!({})));
    }

    #[test]
    fn long_values_are_cut_on_a_character() {
        assert_eq!(shown(&json!("äöü"), 3), "\"äö…");
        assert_eq!(shown(&json!(3), 3), "3");
    }
}
