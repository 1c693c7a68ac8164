//! Keys and items come and go: in the map or list of values that is printed there, or by what decides that they are printed.

use serde_json::{Value, json};

use super::{
    index,
    layers::{Layers, ListEdit},
    mention::{How, Mention},
    printed::Printed,
};
use crate::{
    engine::{helm::template::leaf::Leaf, site::Found},
    model::pointer::Pointer,
};

/// Finds where a map could get a key.
pub fn add_key(layers: &Layers<'_>, printed: &Printed<'_>, at: &Pointer, key: &str, value: &Value, found: &mut Found) {
    let with_key = |path: &[String]| -> Vec<String> { path.iter().cloned().chain([key.to_owned()]).collect() };
    for container in containers(layers, printed, at) {
        found.add(layers.set(&with_key(&container), value));
    }
    let mentions = Mention::all(layers, &printed.block(at));
    let name = at.last().unwrap_or_default();
    for mention in mentions.iter().filter(|mention| mention.is_named_like(key)) {
        found.add(layers.set(&mention.path, value));
    }
    for mention in mentions.iter().filter(|mention| mention.is_named_like(name)) {
        match layers.value(&mention.path) {
            Some(Value::Object(map)) if !map.is_empty() => found.add(layers.set(&with_key(&mention.path), value)),
            None | Some(Value::Null | Value::Object(_)) => {
                found.add(layers.set(&with_key(&mention.path), value));
                found.add(layers.set(&mention.path, &json!({key: value})));
            }
            Some(_) => {}
        }
    }
    // A block that is not printed now and has the key.
    for branch in layers.lineage.branches_with(key) {
        for path in Mention::paths(layers, branch) {
            let now = layers.value(&path);
            if now.as_ref().is_none_or(|now| matches!(now, Value::Bool(false) | Value::Null)) {
                found.add(layers.set(&path, &Value::Bool(true)));
            }
            found.add(layers.set(&path, value));
        }
    }
    for mention in mentions.iter().filter(|mention| mention.how == How::Data) {
        if matches!(layers.value(&mention.path), None | Some(Value::Null | Value::Object(_))) {
            found.add(layers.set(&with_key(&mention.path), value));
        }
    }
}

/// Finds where a list could get an item.
pub fn add_item(
    layers: &Layers<'_>,
    printed: &Printed<'_>,
    at: &Pointer,
    position: usize,
    value: &Value,
    found: &mut Found,
) {
    for (container, first) in lists(layers, printed, at) {
        let own = position.saturating_sub(first);
        let length = match layers.value(&container) {
            Some(Value::Array(items)) => items.len(),
            _ => 0,
        };
        found.add(layers.edit_list(&container, &ListEdit::Insert(own.min(length), value.clone())));
    }
    let name = at.last().unwrap_or_default();
    for mention in Mention::all(layers, &printed.block(at)) {
        let now = layers.value(&mention.path);
        match now {
            Some(Value::Array(items)) if items.is_empty() || mention.is_named_like(name) => {
                found.add(layers.edit_list(&mention.path, &ListEdit::Insert(items.len(), value.clone())));
            }
            None | Some(Value::Null) if mention.is_named_like(name) => {
                found.add(layers.set(&mention.path, &json!([value])));
            }
            _ => {}
        }
    }
}

/// Finds where a key or item could go.
pub fn remove(layers: &Layers<'_>, printed: &Printed<'_>, at: &Pointer, found: &mut Found) {
    let Some(parent) = at.parent() else { return };
    if let Some(position) = index(at).filter(|_| printed.is_list(&parent)) {
        for (container, first) in lists(layers, printed, &parent) {
            if let Some(own) = position.checked_sub(first) {
                found.add(layers.edit_list(&container, &ListEdit::Remove(own)));
            }
        }
    } else if let Some(key) = at.last() {
        for container in containers(layers, printed, &parent) {
            let path: Vec<String> = container.into_iter().chain([key.to_owned()]).collect();
            if layers.value(&path).is_some() {
                found.add(layers.remove(&path));
            }
        }
    }
    // What decides that it is printed, but not that its parent is.
    let around: Vec<Mention> = Mention::all(layers, &printed.key(&parent));
    let mut mentions = Mention::all(layers, &printed.key(at));
    mentions.extend(Mention::all(layers, &printed.block(at)));
    for mention in mentions.iter().filter(|mention| !around.contains(mention)) {
        let off = match layers.value(&mention.path) {
            Some(Value::Bool(true)) => vec![json!(false)],
            Some(Value::Bool(false)) => vec![json!(true)],
            Some(Value::String(text)) if !text.is_empty() => vec![json!(""), Value::Null],
            Some(Value::Number(_)) => vec![Value::Null, json!(0)],
            Some(Value::Object(map)) if !map.is_empty() => vec![Value::Null],
            Some(Value::Array(items)) if !items.is_empty() => vec![json!([])],
            _ => vec![],
        };
        for value in &off {
            found.add(if value.is_null() { layers.remove(&mention.path) } else { layers.set(&mention.path, value) });
        }
    }
}

/// The maps of values that are printed as the map at a pointer: those that its entries come from under their own names, and
/// those that its brackets come from.
fn containers(layers: &Layers<'_>, printed: &Printed<'_>, at: &Pointer) -> Vec<Vec<String>> {
    let lineage = layers.lineage;
    let mut found = Vec::new();
    for child in printed.children(at) {
        let Some(name) = child.last() else { continue };
        for set in printed.key(&child).iter().chain(&printed.block(&child)).map(|slice| slice.made_of.set()) {
            for leaf in lineage.leaves(set) {
                let (layer, path) = match leaf {
                    Leaf::Node { layer, at } | Leaf::Key { layer, at } => (layer, at),
                    _ => continue,
                };
                let keys = lineage.paths.keys(path);
                let Some(depth) = keys.iter().rposition(|key| *key == name) else { continue };
                for container in layers.paths(layer, &keys[..depth]) {
                    if !found.contains(&container) {
                        found.push(container);
                    }
                }
            }
        }
    }
    if printed.children(at).is_empty() {
        for slice in printed.block(at) {
            for path in Mention::paths(layers, slice.made_of.set()) {
                if matches!(layers.value(&path), Some(Value::Object(_))) && !found.contains(&path) {
                    found.push(path);
                }
            }
        }
    }
    found.retain(|path| !path.is_empty());
    found
}

/// The lists of values that are printed as items of the list at a pointer, each with the index of its first item there.
fn lists(layers: &Layers<'_>, printed: &Printed<'_>, at: &Pointer) -> Vec<(Vec<String>, usize)> {
    let lineage = layers.lineage;
    let mut found: Vec<(Vec<String>, usize)> = Vec::new();
    for (position, child) in printed.children(at).iter().enumerate() {
        for slice in printed.block(child) {
            for leaf in lineage.leaves(slice.made_of.set()) {
                let Leaf::Node { layer, at } = leaf else { continue };
                let keys = lineage.paths.keys(at);
                for depth in (0..keys.len()).rev() {
                    let Ok(own) = keys[depth].parse::<usize>() else { continue };
                    for path in layers.paths(layer, &keys[..depth]) {
                        let is_list = matches!(layers.value(&path), Some(Value::Array(_)));
                        if is_list && own <= position && !found.iter().any(|(known, _)| *known == path) {
                            found.push((path, position - own));
                        }
                    }
                }
            }
        }
    }
    found
}
