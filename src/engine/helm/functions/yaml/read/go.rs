//! Keys that JSON cannot have, in the words of `sigs.k8s.io/yaml` and go-yaml, which print them as Go source (`%#v`).

use serde_json::Value as Json;

use crate::{
    engine::helm::functions::json::number,
    source::{
        span::Span,
        yaml::{
            resolve::{self, Reader},
            tree::{Document, Entry, NodeId, NodeKind},
        },
    },
};

/// What is said of a null as a key: the last of the map's nulls has its value printed.
pub(super) fn null_key(document: &Document, key: Span) -> Option<String> {
    let is_key = |entry: &Entry| document.node(entry.key).span == key;
    let entries = document.nodes.iter().find_map(|node| match &node.kind {
        NodeKind::Mapping { entries, .. } => entries.iter().any(is_key).then_some(entries),
        _ => None,
    })?;
    let is_null = |entry: &&Entry| {
        let value = resolve::value(document, entry.key, Reader::Manifest);
        value.is_ok_and(|value| value.is_null())
    };
    let value = resolve::value(document, entries.iter().rfind(is_null)?.value, Reader::Manifest).ok()?;
    let printed = if value.is_null() { "<nil>".to_owned() } else { source(&value)? };
    Some(format!("unsupported map key of type: %!s(<nil>), key: <nil>, value: {printed}"))
}

/// What is said of a scalar that is not what its tag says; absent for what Go may take for a time.
pub(super) fn wrong_tag(text: &str, tag: &str) -> Option<String> {
    let own = match resolve::plain(text, Reader::Helm).ok()? {
        Json::Null => "!!null",
        Json::Bool(_) => "!!bool",
        Json::Number(number) if number.is_f64() => "!!float",
        Json::Number(_) => "!!int",
        Json::String(_) if text.starts_with(|c: char| c.is_ascii_digit()) => return None,
        _ => "!!str",
    };
    Some(format!("yaml: cannot decode {own} `{text}` as a {tag}"))
}

/// What is said of a list or a map as a key: of the innermost one.
pub(super) fn collection_key(document: &Document, key: Span) -> Option<String> {
    let is_collection =
        |id: &NodeId| matches!(document.node(*id).kind, NodeKind::Sequence { .. } | NodeKind::Mapping { .. });
    let mut at =
        (0..document.nodes.len()).map(NodeId).find(|id| document.node(*id).span == key && is_collection(id))?;
    while let NodeKind::Mapping { entries, .. } = &document.node(at).kind {
        match entries.iter().map(|entry| entry.key).find(is_collection) {
            Some(inner) => at = inner,
            None => break,
        }
    }
    let value = resolve::value(document, at, Reader::Manifest).ok()?;
    Some(format!("yaml: invalid map key: {}", source(&value)?))
}

/// A value as Go source; absent for what may be of another type in Go than in JSON.
fn source(value: &Json) -> Option<String> {
    let item = |value: &Json| if value.is_null() { Some("interface {}(nil)".to_owned()) } else { source(value) };
    Some(match value {
        Json::Null => return None,
        Json::Bool(bool) => bool.to_string(),
        Json::Number(given) => match given.as_i64() {
            Some(int) => int.to_string(),
            None if given.is_u64() => return None,
            None => number::shortest(given.as_f64()?),
        },
        Json::String(text) if text.chars().all(|c| (' '..='~').contains(&c)) => format!("{text:?}"),
        Json::String(_) => return None,
        Json::Array(items) => {
            let items: Option<Vec<String>> = items.iter().map(item).collect();
            format!("[]interface {{}}{{{}}}", items?.join(", "))
        }
        // Of several keys, their types in Go decide the order.
        Json::Object(entries) if entries.len() > 1 => return None,
        Json::Object(entries) => {
            let entries: Option<Vec<String>> = entries
                .iter()
                .map(|(key, value)| match resolve::plain(key, Reader::Manifest) {
                    Ok(Json::String(_)) => Some(format!("{key:?}:{}", item(value)?)),
                    _ => None,
                })
                .collect();
            format!("map[interface {{}}]interface {{}}{{{}}}", entries?.join(", "))
        }
    })
}
