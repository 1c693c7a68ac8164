//! Fields and values as people write them: `spec.template.spec.containers[cart].image`.

use serde_json::Value;

use crate::{
    model::pointer::{Pointer, list_index},
    source::lineage::{Cause, Role},
};

/// A field of a resource; items of lists by their names, where they have one of their own.
pub fn field(at: &Pointer, resource: &Value) -> String {
    let mut text = String::new();
    let mut around = Some(resource);
    for token in at.tokens() {
        let inner = around.and_then(|value| Pointer::of([token.as_str()]).get(value));
        match around {
            Some(Value::Array(items)) => {
                let name = inner.and_then(|item| item.get("name")?.as_str());
                let same = |name: &&str| items.iter().filter(|item| item["name"].as_str() == Some(*name)).count() == 1;
                text += &format!("[{}]", name.filter(same).unwrap_or(token));
            }
            _ => push_key(&mut text, token),
        }
        around = inner;
    }
    text
}

/// Keys that lead to a value.
pub fn keys(keys: &[String]) -> String {
    let mut text = String::new();
    for (at, key) in keys.iter().enumerate() {
        match list_index(key) {
            Some(_) if at > 0 => text += &format!("[{key}]"),
            _ => push_key(&mut text, key),
        }
    }
    text
}

/// What leads to a cause.
pub fn cause(cause: &Cause) -> String {
    match cause.role {
        Role::BuiltIn => cause.key.iter().map(|name| format!(".{name}")).collect(),
        Role::Volatile => cause.key.concat(),
        _ => keys(&cause.key),
    }
}

fn push_key(text: &mut String, key: &str) {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    if key.is_empty() || !key.chars().all(plain) {
        *text += &format!("[{}]", Value::from(key));
    } else {
        if !text.is_empty() {
            text.push('.');
        }
        *text += key;
    }
}
