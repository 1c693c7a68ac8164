//! A single value becomes another: in the values key, the constant or the text that says it, or the part of it that differs.

use std::ops::Range;

use serde_json::Value;

use super::{
    around,
    layers::Layers,
    mention::Mention,
    printed::{Printed, said_at, text_site},
};
use crate::{
    engine::{
        helm::{
            lineage::Lineage,
            sources::Role,
            template::leaf::{FileId, Leaf},
        },
        site::{Found, Site, Wording},
        window::{Window, as_text},
    },
    model::{
        change::{Action, Change},
        pointer::Pointer,
    },
    source::{
        lineage::text::{MadeOf, Slice},
        span::Span,
        yaml::resolve::{self, Reader},
    },
};

/// Finds where the scalar at a pointer could become another value.
pub fn set(layers: &Layers<'_>, printed: &Printed<'_>, at: &Pointer, value: &Value, found: &mut Found) {
    let lineage = layers.lineage;
    let Some(scalar) = printed.scalar(lineage, at) else { return };
    let new = as_text(value);
    let window = Window::between(&scalar.text, &new);
    // The whole scalar is one value, or made of one value alone.
    let pieces: Vec<&Slice> = scalar.slices.iter().filter(|slice| !slice.range.is_empty()).collect();
    let marks: Vec<&Slice> = scalar.slices.iter().filter(|slice| slice.range.is_empty()).collect();
    if let [only] = pieces[..] {
        whole(layers, only, value, found);
    }
    let holds = |piece: &&Slice| piece.range.start <= window.start && window.end <= piece.range.end;
    let holding: Vec<&Slice> = pieces.iter().copied().filter(holds).collect();
    for piece in &holding {
        part(layers, piece, &scalar.text, &window, found);
    }
    if pieces.is_empty() {
        for mark in marks {
            for path in Mention::paths(layers, mark.made_of.set()) {
                found.add(layers.set(&path, value));
            }
        }
    }
    // Chosen by a default: the key that is not set or empty, with all that the default says in its place.
    let (unset, set): (Vec<_>, Vec<_>) =
        chosen(layers, &pieces).into_iter().partition(|(path, _)| layers.is_unset(path));
    let choose = |chosen: Vec<(Vec<String>, Range<usize>)>, found: &mut Found| {
        for (path, range) in chosen {
            if range == (0..scalar.text.len()) {
                found.add(typed(layers, &path, value));
            } else if range.start <= window.start && window.end <= range.end {
                found.add(layers.set(&path, &Value::String(window.replaced(&scalar.text, &range))));
            }
        }
    };
    choose(unset, found);
    for piece in &holding {
        found.add(app_version(layers, piece, &scalar.text, &window));
    }
    let step = Change { at: at.clone(), action: Action::Set(value.clone()) };
    around::add(printed, lineage, &step, found);
    printed.literal(lineage, &step, found);
    for piece in &holding {
        found.add(said(lineage, piece, &scalar.text, &window));
    }
    choose(set, found);
    // Computed from values: one of them may be the value before it was converted.
    for piece in pieces.iter().filter(|piece| matches!(piece.made_of, MadeOf::Derived(_))) {
        let text = window.replaced(&scalar.text, &piece.range);
        for path in Mention::paths(layers, piece.made_of.set()).into_iter().take(4) {
            let value = if pieces.len() == 1 { value.clone() } else { Value::String(text.clone()) };
            found.add(typed(layers, &path, &value));
        }
    }
}

/// The values that were looked at to choose a part of a scalar, each with that part: all that was chosen with them, and each
/// piece of it, as a choice may also be between texts around a value (`printf ":%s" .Values.tag` and `.Chart.AppVersion`).
fn chosen(layers: &Layers<'_>, pieces: &[&Slice]) -> Vec<(Vec<String>, Range<usize>)> {
    let mut found: Vec<(Vec<String>, Range<usize>)> = Vec::new();
    let mut single: Vec<(Vec<String>, Range<usize>)> = Vec::new();
    for piece in pieces {
        for path in Mention::paths(layers, piece.control) {
            single.push((path.clone(), piece.range.clone()));
            match found.iter_mut().find(|(known, range)| *known == path && range.end == piece.range.start) {
                Some((_, range)) => range.end = piece.range.end,
                None => found.push((path, piece.range.clone())),
            }
        }
    }
    single.retain(|one| !found.contains(one));
    found.extend(single);
    found.retain(|(path, _)| !matches!(layers.value(path), Some(Value::Array(_) | Value::Object(_))));
    // What chose the smallest part is nearest to it.
    found.sort_by_key(|(_, range)| range.len());
    found
}

/// A scalar that one piece prints from its first byte to its last.
fn whole(layers: &Layers<'_>, piece: &Slice, value: &Value, found: &mut Found) {
    let lineage = layers.lineage;
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
fn part(layers: &Layers<'_>, piece: &Slice, old: &str, window: &Window, found: &mut Found) {
    let lineage = layers.lineage;
    let MadeOf::Verbatim { leaf, offset } = piece.made_of else { return };
    if let Leaf::Node { layer, at } = lineage.leaf(leaf) {
        for path in layers.paths(layer, &lineage.paths.keys(at)) {
            if matches!(lineage.layer(layer).role, Role::Argument(..)) {
                // What it says is not kept; mostly it is printed as a whole.
                if offset == 0 {
                    found.add(layers.set(&path, &Value::String(window.replaced(old, &piece.range))));
                }
                continue;
            }
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

/// The piece that holds all that differs, where it is all of the version that `Chart.yaml` says.
fn app_version(layers: &Layers<'_>, piece: &Slice, old: &str, window: &Window) -> Option<Site> {
    let MadeOf::Verbatim { leaf, offset: 0 } = piece.made_of else { return None };
    let Leaf::Node { layer, at } = layers.lineage.leaf(leaf) else { return None };
    let now = old.get(piece.range.clone())?;
    layers.set_app_version(layer, &layers.lineage.paths.keys(at), now, &window.replaced(old, &piece.range))
}

/// The piece that holds all that differs, where the text of a template says it byte for byte, in a block or behind a function
/// that reads what a template prints.
fn said(lineage: &Lineage, piece: &Slice, old: &str, window: &Window) -> Option<Site> {
    let (file, offset) = said_at(lineage, piece.made_of)?;
    let start = offset + window.start - piece.range.start;
    let span = Span::new(start, start + window.end - window.start);
    let before = lineage.text_of(file)?.get(span.range())?;
    let is_same = old.get(window.start..window.end) == Some(before) && !before.contains('\n');
    let is_plain = !window.new.contains(['\n', '{']);
    text_site(lineage, (file, span), before, window.new.clone()).filter(|_| is_same && is_plain)
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
        wording: Wording::Text { span: lineage.in_file(file, span), before: old.to_owned(), after: new.to_owned() },
        also: Vec::new(),
    })
}
