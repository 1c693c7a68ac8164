//! The bytes that say a field.

use serde_json::Value;

use super::{
    Built,
    place::{Address, is_kustomization, reader},
};
use crate::{
    engine::{
        kustomize::{
            leaf::Leaf,
            node::{Content, Node, Scalar, Tag},
        },
        site::{Found, Site, Wording},
        window::{Window, as_text},
    },
    model::{
        change::{Action, Change},
        pointer::{Pointer, list_index},
    },
    source::{
        lineage::{
            sets::SetId,
            text::{MadeOf, Slice},
        },
        span::Span,
        yaml::{
            resolve,
            tree::{NodeId, NodeKind},
        },
    },
};

/// Finds where the step could be taken in what says the field.
pub(super) fn sites(built: &Built<'_>, step: &Change, found: &mut Found) {
    match &step.action {
        Action::Set(value) => set(built, &step.at, value, found),
        Action::AddKey { .. } => {
            for place in places(built, built.node(&step.at)) {
                let change = Change { at: place.at.clone(), action: step.action.clone() };
                found.add(site(built, &place, change));
            }
        }
        Action::AddItem { index, value } => add_item(built, &step.at, *index, value, found),
        Action::Remove => remove(built, &step.at, found),
    }
}

fn set(built: &Built<'_>, at: &Pointer, value: &Value, found: &mut Found) {
    let Some(node) = built.node(at) else { return };
    let Content::Scalar(scalar) = &node.content else {
        if let [place] = &places(built, Some(node))[..] {
            found.add(site(built, place, Change { at: place.at.clone(), action: Action::Set(value.clone()) }));
        }
        return;
    };
    if value.is_object() || value.is_array() || scalar.text.is_empty() {
        for place in places(built, Some(node)) {
            found.add(site(built, &place, Change { at: place.at.clone(), action: Action::Set(value.clone()) }));
        }
        return;
    }
    let (Some(old), new) = (scalar.text.as_str(), as_text(value)) else { return };
    let window = Window::between(old, &new);
    for piece in scalar.text.slices(0..old.len()).filter(|piece| !piece.range.is_empty()) {
        if piece.range.start <= window.start && window.end <= piece.range.end {
            found.add(part(built, scalar, &piece, old, &window, value));
        }
    }
}

/// The piece that holds all that differs, written anew.
fn part(built: &Built<'_>, scalar: &Scalar, piece: &Slice, old: &str, window: &Window, value: &Value) -> Option<Site> {
    let MadeOf::Verbatim { leaf, offset } = piece.made_of else { return None };
    let leaf = built.lineage.leaf(leaf);
    let replaced = window.replaced(old, &piece.range);
    match leaf {
        Leaf::Bytes { source, span } => {
            let source = built.lineage.source(*source);
            let start = span.start + offset as usize;
            let span = Span::new(start, start + piece.range.len());
            let before = std::str::from_utf8(source.content.get(span.range())?).ok()?.to_owned();
            let label = "file of a generator".to_owned();
            let wording = Wording::Text { span, before, after: replaced };
            source.inside.is_none().then(|| Site { file: source.path.clone(), label, wording, also: Vec::new() })
        }
        Leaf::Node { source, document, node } => {
            let place = Address::of(built.lineage, leaf)?;
            let written = match &built.lineage.document(*source, *document)?.1.node(*node).kind {
                NodeKind::Scalar { text, .. } => text,
                _ => return None,
            };
            let (start, end) = (offset as usize, offset as usize + piece.range.len());
            let is_whole = start == 0 && end == written.len() && piece.range == (0..old.len());
            let says_text = is_kustomization(built.lineage, *source) && scalar.tag == Tag::String;
            let new = match (is_whole, says_text) {
                (true, false) => value.clone(),
                (true, true) => Value::String(as_text(value)),
                (false, _) => {
                    let inside = written.get(start..end)? == old.get(piece.range.clone())?;
                    let text = format!("{}{replaced}{}", &written[..start], &written[end..]);
                    return inside.then(|| {
                        site(built, &place, Change { at: place.at.clone(), action: Action::Set(text.into()) })
                    })?;
                }
            };
            site(built, &place, Change { at: place.at.clone(), action: Action::Set(new) })
        }
        Leaf::Key { .. } | Leaf::BuiltIn(_) => None,
    }
}

/// An item goes into each list that is written, before the first of its items that follow in the rendered list.
fn add_item(built: &Built<'_>, at: &Pointer, index: usize, value: &Value, found: &mut Found) {
    let Some(node) = built.node(at) else { return };
    let Some(items) = node.items() else { return };
    for place in places(built, Some(node)) {
        let Some(children) = children(built, &place) else { continue };
        let written = |item: &Node| own(built, &place, item.places, &children);
        let before = items[..index.min(items.len())].iter().rev().find_map(written).map(|at| at + 1);
        let after = items[index.min(items.len())..].iter().find_map(written);
        let index = before.or(after).unwrap_or(children.len());
        let action = Action::AddItem { index, value: value.clone() };
        found.add(site(built, &place, Change { at: place.at.clone(), action }));
    }
}

/// A key or item goes wherever it is written; where that is in several places, in all of them at once first.
fn remove(built: &Built<'_>, at: &Pointer, found: &mut Found) {
    let (Some(above), Some(last)) = (at.parent(), at.last()) else { return };
    let Some(around) = built.node(&above) else { return };
    let mut places = match &around.content {
        Content::Map(entries) => {
            let Some(entry) = entries.iter().find(|entry| entry.key.bytes() == last.as_bytes()) else { return };
            let key = entry.key.pieces().first().map_or(SetId::EMPTY, |piece| piece.made_of.set());
            let mut places = Address::all(built.lineage, key);
            places.extend(self::places(built, Some(&entry.value)));
            places
        }
        Content::List(items) => {
            let item = list_index(last).and_then(|index| items.get(index));
            self::places(built, item)
        }
        Content::Scalar(_) => return,
    };
    let mut seen: Vec<Address> = Vec::new();
    places.retain(|place| {
        !place.at.tokens().is_empty() && !seen.contains(place) && {
            seen.push(place.clone());
            true
        }
    });
    let removed = |place: &Address| site(built, place, Change { at: place.at.clone(), action: Action::Remove });
    let all: Vec<Site> = places.iter().filter_map(removed).collect();
    if let [first, rest @ ..] = &all[..]
        && !rest.is_empty()
    {
        found.add([Site { also: rest.to_vec(), ..first.clone() }]);
    }
    found.add(all);
}

/// Where a node is written, what is nearest to the stack first.
fn places(built: &Built<'_>, node: Option<&Node>) -> Vec<Address> {
    let mut places = Address::all(built.lineage, node.map_or(SetId::EMPTY, |node| node.places));
    let rank = |place: &Address| {
        let path = &built.lineage.source(place.source).path;
        let nearest = built.kustomizations.iter().position(|layer| path.is_within(&layer.folder.path));
        nearest.unwrap_or(usize::MAX)
    };
    places.sort_by_key(rank);
    places
}

/// The nodes of a list's items where it is written.
fn children(built: &Built<'_>, place: &Address) -> Option<Vec<NodeId>> {
    let (_, document) = built.lineage.document(place.source, place.document)?;
    let found = resolve::find(document, &place.at, reader(built.lineage, place.source))?;
    match &document.node(found.node).kind {
        NodeKind::Sequence { items, .. } => Some(items.iter().map(|item| item.node).collect()),
        _ => None,
    }
}

/// The position of an item among those that are written in a place.
fn own(built: &Built<'_>, place: &Address, item: SetId, children: &[NodeId]) -> Option<usize> {
    built.lineage.leaves(item).find_map(|leaf| match leaf {
        Leaf::Node { source, document, node } if *source == place.source && *document == place.document => {
            children.iter().position(|child| child == node)
        }
        _ => None,
    })
}

fn site(built: &Built<'_>, place: &Address, change: Change) -> Option<Site> {
    let label = match &change.action {
        Action::AddKey { key, .. } => place.at.join(key),
        _ => place.at.clone(),
    };
    let what = if is_kustomization(built.lineage, place.source) { "kustomization field" } else { "manifest field" };
    built.site(place.source, place.document, change, format!("{what} {label}"))
}
