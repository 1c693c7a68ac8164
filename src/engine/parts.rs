//! Texts that are put together from what several places say: which place says which part, and how a change of the whole is
//! written there.

use std::ops::Range;

use serde_json::Value;

use super::{
    site::{Site, Wording},
    window::{Window, as_text},
};
use crate::{
    model::{
        change::{Action, Change},
        pointer::Pointer,
    },
    source::{
        path::RepoPath,
        yaml::resolve::{self, Reader},
    },
};

/// A value of a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// The file.
    pub file: RepoPath,
    /// The document, from 0.
    pub document: usize,
    /// The value in it.
    pub at: Pointer,
    /// What it is.
    pub now: Value,
    /// What the place is, for people.
    pub label: String,
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The bytes of the text.
    pub range: Range<usize>,
    /// The place that says them.
    pub place: Place,
    /// The first of the place's bytes that they are; absent where they were computed from it.
    pub offset: Option<usize>,
}

impl Place {
    /// A change of the value.
    pub fn set(&self, value: Value) -> Site {
        self.change(Change { at: self.at.clone(), action: Action::Set(value) })
    }

    /// A change of the document.
    pub fn change(&self, change: Change) -> Site {
        Site {
            file: self.file.clone(),
            label: self.label.clone(),
            wording: Wording::Yaml { document: self.document, change, reader: Reader::Manifest },
            also: Vec::new(),
        }
    }
}

/// Ways to make a text another by a change of one of its parts: the one that holds all that differs.
pub fn set(parts: &[Part], old: &str, new: &Value) -> Vec<Site> {
    let text = as_text(new);
    let window = Window::between(old, &text);
    let mut sites = Vec::new();
    for part in parts.iter().filter(|part| part.range.start <= window.start && window.end <= part.range.end) {
        let replaced = window.replaced(old, &part.range);
        let now = as_text(&part.place.now);
        match part.offset {
            Some(offset) => {
                let end = offset + part.range.len();
                if now.get(offset..end) != old.get(part.range.clone()) {
                    continue;
                }
                let whole = format!("{}{replaced}{}", &now[..offset], &now[end..]);
                sites.push(part.place.set(typed(&part.place.now, whole)));
            }
            // What a function made of all of it may still be the value itself.
            None if part.range == (0..old.len()) => sites.push(part.place.set(typed(&part.place.now, replaced))),
            None => {}
        }
    }
    sites
}

/// A text as a value of the type that another has.
fn typed(now: &Value, text: String) -> Value {
    let read = resolve::plain(&text, Reader::Manifest).unwrap_or(Value::Null);
    match now {
        Value::Number(_) if read.is_number() => read,
        Value::Bool(_) if read.is_boolean() => read,
        _ => Value::String(text),
    }
}
