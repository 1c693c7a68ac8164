//! A single value becomes another: in the values key, the constant or the text that says it, or the part of it that differs.

use serde_json::Value;

use super::{Found, layers::Layers, mention::Mention, printed::Printed};
use crate::{
    engine::{
        helm::{lineage::Lineage, template::leaf::{FileId, Leaf}},
        site::{Site, Wording},
    },
    model::pointer::Pointer,
    source::{
        lineage::text::{MadeOf, Slice},
        span::Span,
        yaml::resolve::{self, Reader},
    },
};

/// Finds where the scalar at a pointer could become another value.
pub fn set(
    lineage: &Lineage,
    layers: &Layers<'_>,
    printed: &Printed<'_>,
    at: &Pointer,
    value: &Value,
    found: &mut Found,
) {
    let Some(scalar) = printed.scalar(lineage, at) else { return };
    let new = as_text(value);
    let window = Window::between(&scalar.text, &new);
    // The whole scalar is one value, or made of one value alone.
    let pieces: Vec<&Slice> = scalar.slices.iter().filter(|slice| !slice.range.is_empty()).collect();
    let marks: Vec<&Slice> = scalar.slices.iter().filter(|slice| slice.range.is_empty()).collect();
    if let [only] = pieces[..] {
        whole(lineage, layers, only, value, found);
    }
    for piece in &pieces {
        if piece.range.start <= window.start && window.end <= piece.range.end {
            part(lineage, layers, piece, &scalar.text, &window, found);
        }
    }
    if pieces.is_empty() {
        for mark in marks {
            for path in Mention::paths(lineage, layers, mark.made_of.set()) {
                found.add(layers.set(&path, value));
            }
        }
    }
    // Chosen by a default: the key that is not set, with the whole value or the part that the default says.
    for piece in &pieces {
        for path in Mention::paths(lineage, layers, piece.control) {
            let lies_within = piece.range.start <= window.start && window.end <= piece.range.end;
            if pieces.len() == 1 {
                found.add(typed(layers, &path, value));
            } else if lies_within {
                let text = window.replaced(&scalar.text, &piece.range);
                found.add(layers.set(&path, &Value::String(text)));
            }
        }
    }
    // Computed from values: one of them may be the value before it was converted.
    for piece in pieces.iter().filter(|piece| matches!(piece.made_of, MadeOf::Derived(_))) {
        let text = window.replaced(&scalar.text, &piece.range);
        for path in Mention::paths(lineage, layers, piece.made_of.set()).into_iter().take(4) {
            let value = if pieces.len() == 1 { value.clone() } else { Value::String(text.clone()) };
            found.add(typed(layers, &path, &value));
        }
    }
}

/// A scalar that one piece prints from its first byte to its last.
fn whole(lineage: &Lineage, layers: &Layers<'_>, piece: &Slice, value: &Value, found: &mut Found) {
    let MadeOf::Verbatim { leaf, .. } = piece.made_of else { return };
    match lineage.leaf(leaf) {
        Leaf::Node { layer, at } => {
            for path in layers.paths(layer, &lineage.paths.keys(at)) {
                found.add(typed(layers, &path, value));
            }
        }
        Leaf::Literal { file, span } => found.add(constant(lineage, file, span, &as_text(value))),
        _ => {}
    }
}

/// The piece that holds all that differs.
fn part(lineage: &Lineage, layers: &Layers<'_>, piece: &Slice, old: &str, window: &Window, found: &mut Found) {
    let MadeOf::Verbatim { leaf, offset } = piece.made_of else { return };
    if let Leaf::Node { layer, at } = lineage.leaf(leaf) {
        for path in layers.paths(layer, &lineage.paths.keys(at)) {
            let Some(Value::String(text)) = layers.value_in(layer, &path).or_else(|| layers.value(&path)) else {
                // A number in the middle of a text.
                let text = window.replaced(old, &piece.range);
                found.add(typed(layers, &path, &Value::String(text)));
                continue;
            };
            let (start, end) = (offset as usize, offset as usize + piece.range.len());
            let inside = text.get(start..end).is_some_and(|own| old.get(piece.range.clone()) == Some(own));
            if inside {
                let replaced = window.replaced(old, &piece.range);
                let text = format!("{}{replaced}{}", &text[..start], &text[end..]);
                found.add(layers.set(&path, &Value::String(text)));
            }
        }
    }
}

/// Ways to give a path a value of the type that it has now, then of the wanted type.
fn typed(layers: &Layers<'_>, path: &[String], value: &Value) -> Vec<Site> {
    let now = layers.value(path);
    let text = as_text(value);
    let read = resolve::plain(&text, Reader::Manifest).unwrap_or(Value::Null);
    let mut values = Vec::new();
    match now {
        Some(Value::Number(_)) if read.is_number() => values.push(read),
        Some(Value::Bool(_)) if read.is_boolean() => values.push(read),
        Some(Value::String(_)) => values.push(Value::String(text)),
        _ => {}
    }
    if !values.contains(value) {
        values.push(value.clone());
    }
    values.iter().flat_map(|value| layers.set(path, value)).collect()
}

/// A constant inside of an action.
fn constant(lineage: &Lineage, file: FileId, span: Span, new: &str) -> Option<Site> {
    let source = lineage.file(file);
    let old = lineage.text_of(file)?.get(span.range())?;
    let is_plain = |text: &str| text.parse::<f64>().is_ok() || matches!(text, "true" | "false");
    if source.inside.is_some() || !is_plain(old) || !is_plain(new) {
        return None;
    }
    Some(Site {
        file: source.path.clone(),
        label: "constant of the template".to_owned(),
        wording: Wording::Text { span, before: old.to_owned(), after: new.to_owned() },
    })
}

/// What differs between two texts: everything before and after is the same.
pub struct Window {
    /// The first byte of the old text that differs.
    pub start: usize,
    /// The byte behind the last of the old text that differs.
    pub end: usize,
    /// What comes in its place.
    pub new: String,
}

impl Window {
    /// The smallest window.
    pub fn between(old: &str, new: &str) -> Self {
        let same = old.chars().zip(new.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum::<usize>();
        let (old_rest, new_rest) = (&old[same..], &new[same..]);
        let tail: usize = old_rest
            .chars()
            .rev()
            .zip(new_rest.chars().rev())
            .take_while(|(a, b)| a == b)
            .map(|(a, _)| a.len_utf8())
            .sum();
        Self { start: same, end: old.len() - tail, new: new[same..new.len() - tail].to_owned() }
    }

    /// A part of the old text with what differs replaced; the window lies within it.
    pub fn replaced(&self, old: &str, part: &std::ops::Range<usize>) -> String {
        let (start, end) = (self.start.clamp(part.start, part.end), self.end.clamp(part.start, part.end));
        format!("{}{}{}", &old[part.start..start], self.new, &old[end..part.end])
    }
}

/// What a scalar looks like in text.
pub fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
