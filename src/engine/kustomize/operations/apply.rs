//! The operations themselves.

use serde_json::Value;

use super::{Operation, Path, json};
use crate::{
    engine::kustomize::{
        context::Context,
        node::{Content, Entry, MAX_DEPTH, Node},
        problem::Problem,
    },
    source::{lineage::text::Text, yaml::resolve::Reader},
};

/// What begins the names of the annotations that Kustomize keeps for itself.
const OWN: &[u8] = b"internal.config.kubernetes.io/";

impl Operation {
    pub(super) fn apply(&self, object: &mut Node, has_state: bool, context: &mut Context<'_>) -> Result<(), Problem> {
        match self {
            Self::Add(path, value) => add(object, "add", path, value.clone(), context),
            Self::Remove(path) => remove(object, "remove", path, context).map(drop),
            Self::Replace(path, value) => replace(object, path, value.clone(), context),
            Self::Move { from, to } => {
                refuse_own(from, has_state)?;
                let value = remove(object, "move", from, context)?;
                add(object, "move", to, value, context)
            }
            Self::Copy { from, to } => {
                refuse_own(from, has_state)?;
                let (container, key) = find(object, "copy", from, context)?;
                let value = get(container, &key).map_err(|why| at(why, from))?.cloned();
                add(object, "copy", to, value.unwrap_or_else(json::null), context)
            }
            Self::Test(path, value) => test(object, path, value, has_state, context),
        }
    }
}

/// The container that a path leads into, and the last key (`findObject`).
fn find<'n>(
    object: &'n mut Node,
    operation: &str,
    path: &Path,
    context: &mut Context<'_>,
) -> Result<(&'n mut Node, Text), Problem> {
    let missing = || {
        let path = &path.text;
        Problem::broken(format!("{operation} operation does not apply: doc is missing path: {path:?}: missing value"))
    };
    let (key, above) = path.keys.split_last().ok_or_else(missing)?;
    let mut container = object;
    for key in above {
        context.spend(1 + container.entries().map_or(0, |entries| entries.len()))?;
        let next = match &mut container.content {
            Content::Map(entries) => {
                entries.iter_mut().find(|entry| entry.key.bytes() == key.bytes()).map(|entry| &mut entry.value)
            }
            Content::List(items) => index(key, items.len()).ok().and_then(|index| items.get_mut(index)),
            Content::Scalar(_) => None,
        };
        container = next.ok_or_else(missing)?;
    }
    if container.as_scalar().is_some() {
        return Err(missing());
    }
    context.spend(1 + container.entries().map_or(0, |entries| entries.len()))?;
    Ok((container, key.clone()))
}

/// What is at a key; nothing where a map has none.
fn get<'n>(container: &'n Node, key: &Text) -> Result<Option<&'n Node>, String> {
    match &container.content {
        Content::Map(entries) => {
            Ok(entries.iter().find(|entry| entry.key.bytes() == key.bytes()).map(|entry| &entry.value))
        }
        Content::List(items) => {
            let index = index(key, items.len())?;
            items.get(index).map(Some).ok_or_else(|| invalid(index))
        }
        Content::Scalar(_) => Err("missing value".to_owned()),
    }
}

/// The index that a key is in a list of this length; below zero it counts from the end.
fn index(key: &Text, length: usize) -> Result<usize, String> {
    let key = key.lossy();
    let index: i64 = key.parse().map_err(|_| format!("value was not a proper array index: '{key}'"))?;
    let from_start = if index < 0 { index.checked_add_unsigned(length as u64) } else { Some(index) };
    from_start.and_then(|index| usize::try_from(index).ok()).ok_or_else(|| invalid(index))
}

fn invalid(index: impl std::fmt::Display) -> String {
    format!("Unable to access invalid index: {index}: invalid index referenced")
}

fn at(why: String, path: &Path) -> Problem {
    Problem::broken(format!("error in operation for path: '{}': {why}", path.text))
}

fn add(object: &mut Node, operation: &str, path: &Path, value: Node, context: &mut Context<'_>) -> Result<(), Problem> {
    guard(path, &value, context)?;
    let (container, key) = find(object, operation, path, context)?;
    match &mut container.content {
        Content::Map(_) => container.set(key, value),
        Content::List(items) if key.bytes() == b"-" => items.push(value),
        Content::List(items) => {
            context.spend(items.len())?;
            let index = index(&key, items.len() + 1).map_err(|why| at(why, path))?;
            if index > items.len() {
                return Err(at(invalid(index), path));
            }
            items.insert(index, value);
        }
        Content::Scalar(_) => {}
    }
    Ok(())
}

/// Takes out what is at a path.
fn remove(object: &mut Node, operation: &str, path: &Path, context: &mut Context<'_>) -> Result<Node, Problem> {
    let (container, key) = find(object, operation, path, context)?;
    match &mut container.content {
        Content::Map(entries) => {
            let found = entries.iter().position(|entry| entry.key.bytes() == key.bytes());
            let missing = || at(format!("Unable to remove nonexistent key: {}: missing value", key.lossy()), path);
            let Entry { value, .. } = entries.remove(found.ok_or_else(missing)?);
            Ok(value)
        }
        Content::List(items) => {
            context.spend(items.len())?;
            let index = index(&key, items.len()).map_err(|why| at(why, path))?;
            if index >= items.len() {
                return Err(at(invalid(index), path));
            }
            Ok(items.remove(index))
        }
        Content::Scalar(_) => Err(at("missing value".to_owned(), path)),
    }
}

fn replace(object: &mut Node, path: &Path, value: Node, context: &mut Context<'_>) -> Result<(), Problem> {
    guard(path, &value, context)?;
    if path.text.is_empty() {
        // A value that is neither map nor list is passed over.
        if value.as_scalar().is_none() {
            *object = value;
        }
        return Ok(());
    }
    let (container, key) = find(object, "replace", path, context)?;
    let missing = |_| {
        let path = &path.text;
        Problem::broken(format!("replace operation does not apply: doc is missing key: {path}: missing value"))
    };
    get(container, &key).map_err(missing)?;
    match &mut container.content {
        Content::Map(_) => container.set(key, value),
        Content::List(items) => {
            let index = index(&key, items.len()).map_err(missing)?;
            if let Some(item) = items.get_mut(index) {
                *item = value;
            }
        }
        Content::Scalar(_) => {}
    }
    Ok(())
}

fn test(
    object: &mut Node,
    path: &Path,
    expected: &Value,
    has_state: bool,
    context: &mut Context<'_>,
) -> Result<(), Problem> {
    let failed = || Problem::broken(format!("testing value {} failed: test failed", path.text));
    if has_state && (path.text.is_empty() || !path.keys.is_empty() && path.leads_to(&["metadata", "annotations"])) {
        // Kustomize's own annotations are in what it compares.
        return Err(if mentions_own(expected) { refusal() } else { failed() });
    }
    refuse_own_key(path, has_state)?;
    let found = if path.text.is_empty() {
        Some(&*object)
    } else {
        let (container, key) = find(object, "test", path, context)?;
        get(container, &key).map_err(|why| at(why, path))?
    };
    let found = found.map(|found| {
        context.spend(found.count())?;
        json::value(found, Reader::Kustomize)
    });
    let found = found.transpose()?.unwrap_or(Value::Null);
    if equal(&found, expected) { Ok(()) } else { Err(failed()) }
}

/// `lazyNode.equal`, to which a list with null in it is equal to nothing.
fn equal(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| equal(a, b)))
        }
        (Value::Array(a), Value::Array(b)) => {
            let is_equal = |(a, b): (&Value, &Value)| !a.is_null() && !b.is_null() && equal(a, b);
            a.len() == b.len() && a.iter().zip(b).all(is_equal)
        }
        _ => found == expected,
    }
}

/// Keeps copies of copies in bounds.
fn guard(path: &Path, value: &Node, context: &mut Context<'_>) -> Result<(), Problem> {
    context.spend(value.count())?;
    if path.keys.len() + value.depth() > MAX_DEPTH {
        return Err(Problem::limit("an object nests too deeply"));
    }
    Ok(())
}

/// What is moved or copied would have Kustomize's own annotations in it.
fn refuse_own(path: &Path, has_state: bool) -> Result<(), Problem> {
    if has_state && !path.keys.is_empty() && path.leads_to(&["metadata", "annotations"]) {
        return Err(refusal());
    }
    refuse_own_key(path, has_state)
}

fn refuse_own_key(path: &Path, has_state: bool) -> Result<(), Problem> {
    match &path.keys[..] {
        [_, _, key, ..] if has_state && key.bytes().starts_with(OWN) => Err(refusal()),
        _ => Ok(()),
    }
}

fn refusal() -> Problem {
    Problem::unsupported("a patch of the annotations in which Kustomize keeps its own state")
}

fn mentions_own(value: &Value) -> bool {
    match value {
        Value::Object(entries) => {
            entries.iter().any(|(key, value)| key.as_bytes().starts_with(OWN) || mentions_own(value))
        }
        Value::Array(items) => items.iter().any(mentions_own),
        _ => false,
    }
}
