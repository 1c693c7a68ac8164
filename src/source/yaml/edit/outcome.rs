//! What a change should come to, and whether a splice comes to exactly that.

use serde_json::{Map, Value};

use super::{Change, EditError};
use crate::{
    model::{
        pointer::{Pointer, list_index},
        value::{same, type_name},
    },
    source::{
        edit::Splice,
        yaml::{
            parse::parse,
            resolve::{self, Reader, ResolveError},
            tree::{Document, Stream},
        },
    },
};

/// The value of a document; null where it is empty.
pub(super) fn read(document: &Document, reader: Reader) -> Result<Value, ResolveError> {
    document.root.map_or(Ok(Value::Null), |root| resolve::value(document, root, reader))
}

/// What a splice comes to.
pub(super) struct Outcome {
    /// The file's new text.
    pub(super) text: String,
    /// What that reads as.
    pub(super) stream: Stream,
}

/// Tells whether a change sets what is there already.
pub(super) fn says_already(old: &Value, at: &Pointer, change: &Change) -> bool {
    matches!(change, Change::Set(value) if at.get(old).is_some_and(|old| same(old, value)))
}

/// The document's value after a change; `line` is that of the place, for what is wrong with it.
pub(super) fn wanted(mut new: Value, at: &Pointer, change: &Change, line: usize) -> Result<Value, EditError> {
    let missing = || EditError::NotFound { at: at.clone(), line };
    let wrong = |found: &Value, wanted| EditError::WrongKind { at: at.clone(), line, found: type_name(found), wanted };
    match change {
        Change::Set(value) => *at.get_mut(&mut new).ok_or_else(missing)? = value.clone(),
        Change::InsertKey { key, value } => match at.get_mut(&mut new).ok_or_else(missing)? {
            Value::Object(map) if map.contains_key(key) => return Err(EditError::KeyExists { key: key.clone(), line }),
            Value::Object(map) => drop(map.insert(key.clone(), value.clone())),
            empty @ Value::Null => *empty = Value::Object(Map::from_iter([(key.clone(), value.clone())])),
            other => return Err(wrong(other, "a map")),
        },
        Change::InsertItem { index, value } => match at.get_mut(&mut new).ok_or_else(missing)? {
            Value::Array(items) if *index <= items.len() => items.insert(*index, value.clone()),
            empty @ Value::Null if *index == 0 => *empty = Value::Array(vec![value.clone()]),
            Value::Array(_) | Value::Null => return Err(EditError::NotFound { at: at.join(index.to_string()), line }),
            other => return Err(wrong(other, "a list")),
        },
        Change::Remove => {
            let (parent, last) = at.parent().zip(at.last()).ok_or_else(missing)?;
            match parent.get_mut(&mut new).ok_or_else(missing)? {
                Value::Object(map) => drop(map.shift_remove(last).ok_or_else(missing)?),
                Value::Array(items) => {
                    let index = list_index(last).filter(|index| *index < items.len()).ok_or_else(missing)?;
                    items.remove(index);
                }
                _ => return Err(missing()),
            }
        }
    }
    Ok(new)
}

/// The splice with the file's line breaks and what it comes to, if the document `index` then reads as `wanted` and all others, each byte of
/// them, are as they were in `stream`.
pub(super) fn exact(
    stream: &Stream,
    text: &str,
    index: usize,
    wanted: &Value,
    splice: Splice,
    reader: Reader,
) -> Option<(Splice, Outcome)> {
    let crlf = text.find('\n').is_some_and(|at| text[..at].ends_with('\r'));
    let new = splice.text.replace("\r\n", "\n");
    let splice = Splice::new(splice.span, if crlf { new.replace('\n', "\r\n") } else { new });
    text.get(splice.span.range())?;
    let new = splice.apply(text);
    let after = parse(&new).ok()?;
    let mut others = stream.documents.iter().zip(&after.documents).enumerate().filter(|(at, _)| *at != index);
    let kept = after.documents.len() == stream.documents.len()
        && others.all(|(_, (old, new_document))| text[old.span.range()] == new[new_document.span.range()]);
    let exact = kept && same(&read(after.documents.get(index)?, reader).ok()?, wanted);
    exact.then_some((splice, Outcome { text: new, stream: after }))
}
