//! How a field came to be, in the terms of the people who wrote the chart: the parts of its text, the values that say
//! them, what those override, and the conditions that let it through.

use std::collections::HashMap;

use serde_json::Value;

use super::{
    lineage::{Lineage, is_printed},
    origins::{place_in_file, place_in_layer, place_of, role_in, role_of},
    sites::printed::Printed,
    sources::{LayerContent, Role as LayerRole},
    template::leaf::{FileId, LayerId, Leaf, PathId},
    values::Said,
};
use crate::{
    model::pointer::{Pointer, list_index},
    source::{
        lineage::{
            Cause, Chain, Dependence, Lack, Override, Part, PassedOver, Role, Spot,
            sets::{LeafId, SetId},
            text::{MadeOf, Slice, Text},
        },
        span::Span,
        yaml::resolve::{self, Reader},
    },
};

/// Where a document says when Helm runs it.
const HOOK: &str = "helm.sh/hook";

/// How the field at a pointer came to be; nothing where it is not printed.
pub fn chain(lineage: &Lineage, printed: &Printed<'_>, at: &Pointer) -> Option<Chain> {
    let (value, before) = value(lineage, printed, at)?;
    let slices: Vec<Slice> = value.slices(0..value.len()).collect();
    let mut chain = Chain::default();
    let mut data: Vec<LeafId> = Vec::new();
    for slice in &slices {
        chain.is_partial |= slice.made_of.set() == SetId::ANY || slice.control == SetId::ANY;
        let part = part(lineage, &value, slice);
        let leaves: Vec<LeafId> = lineage.sets.borrow().leaves(slice.made_of.set()).collect();
        data.extend(leaves);
        if part.text.is_empty() && !part.sources.iter().any(|source| !is_text(source.role)) {
            continue;
        }
        match chain.parts.last_mut() {
            Some(last) if last.sources == part.sources && last.computed == part.computed => last.text += &part.text,
            _ => chain.parts.push(part),
        }
    }
    if value.is_empty() && chain.parts.is_empty() {
        chain.parts = nothing(lineage, printed, &before, at);
    }
    let printing: Vec<LeafId> = controls(lineage, &before);
    let choosing =
        controls(lineage, &slices).into_iter().filter(|leaf| !printing.contains(leaf) && !data.contains(leaf));
    chain.chosen_because = causes(lineage, choosing);
    chain.printed_because = causes(lineage, printing);
    Some(chain)
}

/// The fields that depend on a spot, of those that are asked for.
pub fn dependents(
    lineage: &Lineage,
    printed: &Printed<'_>,
    fields: &[Pointer],
    spot: &Spot<'_>,
) -> Vec<(Pointer, Dependence)> {
    let mut search = Search { lineage, spot, maps: maps(lineage, spot), leaves: HashMap::new() };
    // Helm drops a resource whose hook it does not know.
    let hook = Pointer::of(["metadata", "annotations", HOOK]);
    let is_hook = value(lineage, printed, &hook)
        .is_some_and(|(value, _)| value.slices(0..value.len()).any(|slice| search.is_in(&slice)));
    let depends = |at: &Pointer| {
        let (slices, before) = parts(lineage, printed, at)?;
        // The key is a part of the field as well: where it is another, the field is elsewhere.
        let is_data = slices.iter().chain(&before).any(|slice| search.is_in(slice));
        let mut controls = slices.iter().chain(&before).map(|slice| slice.control);
        let dependence = match is_data {
            true => Some(Dependence::Data),
            false => (is_hook || controls.any(|set| search.decides(set))).then_some(Dependence::Control),
        };
        dependence.map(|dependence| (at.clone(), dependence))
    };
    fields.iter().filter_map(depends).collect()
}

/// Why a resource has no field at a pointer.
pub fn lack(lineage: &Lineage, printed: &Printed<'_>, resource: &Value, at: &Pointer) -> Lack {
    let depth = (0..at.tokens().len()).rev().find(|depth| above(at, *depth).get(resource).is_some());
    let Some(depth) = depth else { return Lack::default() };
    let (parent, missing) = (above(at, depth), &at.tokens()[depth..]);
    let mut lack = passed_over(lineage, printed, &parent, &missing[0]);
    let mut containers: Vec<(LayerId, PathId, usize)> = Vec::new();
    if let (Some((value, _)), true) = (value(lineage, printed, &parent), is_empty(parent.get(resource))) {
        for leaf in value.slices(0..value.len()).flat_map(|slice| lineage.leaves(slice.made_of.set())) {
            if let Leaf::Node { layer, at } = leaf {
                containers.push((layer, at, 0));
            }
        }
    }
    // A map of values that is printed as it is prints its keys as well.
    for child in printed.children(&parent) {
        for leaf in printed.key(&child).iter().flat_map(|slice| lineage.leaves(slice.made_of.set())) {
            if let Leaf::Key { layer, at } = leaf
                && lineage.paths.keys(at).last().copied() == child.last()
            {
                containers.push((layer, at, 1));
            }
        }
    }
    for (layer, at, up) in containers {
        let keys = lineage.paths.keys(at);
        let container = &keys[..keys.len() - up];
        let is_map = matches!(value_in(lineage, layer, container), Some(Value::Object(_)));
        let paths =
            if is_map && !container.is_empty() { lineage.layering.paths_of(layer, container) } else { Vec::new() };
        for path in paths {
            let key: Vec<String> = path.into_iter().chain(missing.iter().cloned()).collect();
            lack.settable.extend(override_at(lineage, &key).filter(|place| !lack.settable.contains(place)));
        }
    }
    lack
}

/// The pieces of a field's value and of its key. A list or map counts with its keys, with what could be printed at its
/// beginning and end and with what let its items through, but without what those are made of: they are fields of their own.
fn parts(lineage: &Lineage, printed: &Printed<'_>, at: &Pointer) -> Option<(Vec<Slice>, Vec<Slice>)> {
    let (value, before) = value(lineage, printed, at)?;
    if printed.scalar(lineage, at).is_some_and(|scalar| !scalar.text.is_empty()) {
        return Some((value.slices(0..value.len()).collect(), before));
    }
    let items: Vec<Span> = printed.children(at).iter().filter_map(|item| printed.value_span(item)).collect();
    let own = printed.block(at).into_iter().filter_map(|slice| {
        let inside = |item: &&Span| match slice.range.is_empty() {
            true => item.start < slice.range.start && slice.range.start < item.end,
            false => item.start < slice.range.end && slice.range.start < item.end,
        };
        match items.iter().find(inside) {
            None => Some(slice),
            Some(item) if !slice.range.is_empty() && slice.range.start <= item.start => {
                Some(Slice { made_of: MadeOf::NOTHING, ..slice })
            }
            Some(_) => None,
        }
    });
    Some((own.collect(), before))
}

/// The text of a field with its pieces, and the pieces of its key, or of what stands before it where it has none.
fn value(lineage: &Lineage, printed: &Printed<'_>, at: &Pointer) -> Option<(Text, Vec<Slice>)> {
    let at = Pointer::of(printed.base.tokens().iter().chain(at.tokens()).cloned());
    let field = printed.document.field(&at, &mut lineage.sets.borrow_mut())?;
    let before = field.key.unwrap_or_else(|| field.written.start.saturating_sub(1)..field.written.start);
    let before = printed.document.slices(before).filter(|slice| !slice.range.is_empty()).collect();
    Some((field.value, before))
}

fn part(lineage: &Lineage, value: &Text, slice: &Slice) -> Part {
    let text = String::from_utf8_lossy(&value.bytes()[slice.range.clone()]).into_owned();
    match slice.made_of {
        MadeOf::Verbatim { leaf, offset } => {
            let bytes = (offset as usize, offset as usize + slice.range.len());
            Part { text, computed: false, sources: vec![cause(lineage, &lineage.leaf(leaf), Some(bytes))] }
        }
        MadeOf::Derived(set) => {
            let leaves: Vec<LeafId> = lineage.sets.borrow().leaves(set).collect();
            Part { text, computed: true, sources: causes(lineage, leaves) }
        }
    }
}

/// What says that a field is empty: its quotes, or its key with nothing behind it.
fn nothing(lineage: &Lineage, printed: &Printed<'_>, key: &[Slice], at: &Pointer) -> Vec<Part> {
    let written: Vec<Slice> = match printed.value_span(at) {
        Some(value) if !value.is_empty() => printed.document.slices(value.range()).collect(),
        _ => key.to_vec(),
    };
    let mut parts: Vec<Part> = Vec::new();
    for slice in written.iter().filter(|slice| !slice.range.is_empty()) {
        let part = Part { text: String::new(), ..part(lineage, printed.document.text(), slice) };
        if !part.sources.is_empty() && !parts.contains(&part) {
            parts.push(part);
        }
    }
    parts
}

/// What decided over pieces, without the templates' own text, which is the same in every render.
fn controls(lineage: &Lineage, slices: &[Slice]) -> Vec<LeafId> {
    let sets = lineage.sets.borrow();
    let mut found: Vec<LeafId> = Vec::new();
    for leaf in slices.iter().flat_map(|slice| sets.leaves(slice.control)) {
        if !found.contains(&leaf) {
            found.push(leaf);
        }
    }
    found
}

/// What leaves are, each place and key once; the templates' own text has no place of its own here.
fn causes(lineage: &Lineage, leaves: impl IntoIterator<Item = LeafId>) -> Vec<Cause> {
    let mut found: Vec<Cause> = Vec::new();
    for leaf in leaves {
        let leaf = lineage.leaf(leaf);
        if !matches!(leaf, Leaf::File(_) | Leaf::Literal { .. }) {
            let cause = cause(lineage, &leaf, None);
            if !found.contains(&cause) {
                found.push(cause);
            }
        }
    }
    found
}

fn cause(lineage: &Lineage, leaf: &Leaf, bytes: Option<(usize, usize)>) -> Cause {
    let place = place_of(lineage, leaf, bytes).map(|(place, _)| place);
    let role = role_of(lineage, leaf);
    let mut cause = Cause { role, key: Vec::new(), place, value: None, overrides: Vec::new(), override_at: None };
    match leaf {
        Leaf::File(_) => {}
        Leaf::Literal { file, span } => {
            let text = lineage.text_of(*file).and_then(|text| text.get(span.range()));
            cause.value = text.map(Value::from);
        }
        Leaf::Node { layer, at } | Leaf::Key { layer, at } => {
            let keys = lineage.paths.keys(*at);
            cause.key = keys.iter().map(|key| (*key).to_owned()).collect();
            if matches!(leaf, Leaf::Node { .. }) {
                cause.value = value_in(lineage, *layer, &keys);
            }
            let is_merged = cause.value.as_ref().is_some_and(Value::is_object) && !is_empty(cause.value.as_ref());
            if !is_merged && let Some((path, said)) = said(lineage, *layer, &cause.key) {
                cause.overrides = said.into_iter().map(|said| overridden(lineage, said)).collect();
                if role == Role::Value || role == Role::Default {
                    cause.override_at = override_at(lineage, &path);
                }
            }
        }
        Leaf::Absent { at } => {
            cause.key = lineage.paths.keys(*at).into_iter().map(str::to_owned).collect();
            cause.override_at = override_at(lineage, &cause.key);
        }
        Leaf::BuiltIn(name) | Leaf::Volatile(name) => cause.key = vec![(*name).to_owned()],
    }
    cause
}

/// The path at which a place of a layer counts, and what is said there to no effect.
fn said(lineage: &Lineage, layer: LayerId, at: &[String]) -> Option<(Vec<String>, Vec<Said>)> {
    let keys: Vec<&str> = at.iter().map(String::as_str).collect();
    lineage.layering.paths_of(layer, &keys).into_iter().find_map(|path| {
        let asked: Vec<&str> = path.iter().map(String::as_str).collect();
        let mut said = lineage.layering.layers_of(&asked, &lineage.layers);
        let own = said.iter().position(|said| said.layer == layer && said.at == at)?;
        Some((path, said.split_off(own + 1)))
    })
}

fn overridden(lineage: &Lineage, said: Said) -> Cause {
    let keys: Vec<&str> = said.at.iter().map(String::as_str).collect();
    Cause {
        role: role_in(lineage.layer(said.layer)),
        place: place_in_layer(lineage, said.layer, &keys, false).map(|(place, _)| place),
        value: value_in(lineage, said.layer, &keys),
        key: said.at,
        overrides: Vec::new(),
        override_at: None,
    }
}

/// The values file nearest to the release that may be edited, where a key that it lacks would win. A key in a list cannot be
/// set alone, and an argument wins over every file.
fn override_at(lineage: &Lineage, path: &[String]) -> Option<Override> {
    let keys: Vec<&str> = path.iter().map(String::as_str).collect();
    let is_given = |id: LayerId| matches!(lineage.layer(id).role, LayerRole::Argument(..));
    let said = lineage.layering.layers_of(&keys, &lineage.layers);
    if path.iter().any(|key| list_index(key).is_some()) || said.iter().any(|said| is_given(said.layer)) {
        return None;
    }
    let values = lineage.layers().filter_map(|(_, layer)| match layer.role {
        LayerRole::Values(position) => Some((position, layer)),
        _ => None,
    });
    let (_, nearest) = values.max_by_key(|(position, _)| *position)?;
    let written = nearest.written.as_ref().filter(|written| !written.embedded)?;
    let fits = lineage.is_editable(nearest) && !nearest.says(&keys);
    fits.then(|| Override { file: lineage.file(written.file).path.clone(), key: path.to_vec() })
}

fn value_in(lineage: &Lineage, layer: LayerId, at: &[&str]) -> Option<Value> {
    let layer = lineage.layer(layer);
    let LayerContent::Document { .. } = layer.content else { return None };
    let found = layer.find(at)?;
    resolve::value(layer.document()?.1, found.node, Reader::Helm).ok()
}

/// The blocks within what prints a list or map that were passed over and have a key, or an item of the list.
fn passed_over(lineage: &Lineage, printed: &Printed<'_>, parent: &Pointer, key: &str) -> Lack {
    let mut printing: HashMap<FileId, Span> = HashMap::new();
    let block = printed.block(parent);
    let range = block.first().map_or(0, |slice| slice.range.start)..block.last().map_or(0, |slice| slice.range.end);
    for slice in printed.document.slices(range) {
        if let MadeOf::Verbatim { leaf, offset } = slice.made_of
            && let Leaf::File(file) = lineage.leaf(leaf)
        {
            let (start, end) = (offset as usize, offset as usize + slice.range.len());
            let span = printing.entry(file).or_insert(Span::new(start, end));
            *span = Span::new(span.start.min(start), span.end.max(end));
        }
    }
    let is_item = printed.is_list(parent);
    let has = |line: &str| {
        let (item, line) = (line.trim_start().strip_prefix("- "), line.trim_start().trim_start_matches("- "));
        if is_item {
            item.is_some()
        } else {
            line.strip_prefix(key).is_some_and(|rest| rest.starts_with(':')) || is_printed(line, key)
        }
    };
    let silent = printed.silent(parent);
    let mut lack = Lack::default();
    for branch in lineage.branches.iter().filter(|branch| !branch.taken) {
        let within = |span: &Span| span.start <= branch.span.start && branch.span.end <= span.end;
        let body = lineage.text_of(branch.file).and_then(|text| text.get(branch.span.range())).unwrap_or_default();
        if !body.lines().any(has) {
            continue;
        }
        if !printing.get(&branch.file).is_some_and(within) && !lineage.is_under(&silent, branch.decided_by) {
            continue;
        }
        let leaves: Vec<LeafId> = lineage.sets.borrow().leaves(branch.decided_by).collect();
        let place = place_in_file(lineage, branch.file, branch.span);
        let passed = PassedOver { place, decided_by: causes(lineage, leaves) };
        for over in
            passed.decided_by.iter().filter(|cause| is_unset(cause)).filter_map(|cause| cause.override_at.as_ref())
        {
            if !lack.settable.contains(over) {
                lack.settable.push(over.clone());
            }
        }
        if !lack.passed_over.contains(&passed) {
            lack.passed_over.push(passed);
        }
    }
    lack
}

/// Tells whether a template takes what a cause says for nothing.
fn is_unset(cause: &Cause) -> bool {
    match &cause.value {
        Some(Value::Bool(value)) => !value,
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Number(number)) => number.as_f64() == Some(0.0),
        value => is_empty(value.as_ref()),
    }
}

fn above(at: &Pointer, depth: usize) -> Pointer {
    Pointer::of(at.tokens()[..depth].iter().cloned())
}

fn is_empty(value: Option<&Value>) -> bool {
    match value {
        Some(Value::Object(map)) => map.is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        value => value.is_none_or(Value::is_null),
    }
}

fn is_text(role: Role) -> bool {
    matches!(role, Role::Template | Role::Constant)
}

/// A spot that is being looked for.
struct Search<'s> {
    lineage: &'s Lineage,
    spot: &'s Spot<'s>,
    /// The paths of values at which the spot is a map, into which others are merged: what is below them moves with it.
    maps: Vec<Vec<String>>,
    /// Whether leaves are the spot, or hold it.
    leaves: HashMap<LeafId, Option<Hit>>,
}

/// The paths of values at which a spot is a map.
fn maps(lineage: &Lineage, spot: &Spot<'_>) -> Vec<Vec<String>> {
    let Spot::Bytes(path, span, keys) = spot else { return Vec::new() };
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let is_it = |id: LayerId| {
        let place = place_in_layer(lineage, id, &keys, false).map(|(place, _)| place);
        place.is_some_and(|place| place.file == **path && place.span == *span)
            && matches!(value_in(lineage, id, &keys), Some(Value::Object(_)))
    };
    let layers = lineage.layers().map(|(id, _)| id).filter(|id| !keys.is_empty() && is_it(*id));
    layers.flat_map(|id| lineage.layering.paths_of(id, &keys)).collect()
}

/// How a leaf and a spot meet.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hit {
    /// The leaf is the spot.
    Is,
    /// The leaf is a list or map that the spot is in.
    Holds,
}

impl Search<'_> {
    /// Tells whether a piece is made of the spot.
    fn is_in(&mut self, slice: &Slice) -> bool {
        match (slice.made_of, self.spot) {
            (MadeOf::Verbatim { leaf, offset }, Spot::Bytes(path, span, _)) => match self.lineage.leaf(leaf) {
                Leaf::File(file) => {
                    let source = self.lineage.file(file);
                    let own = Span::new(offset as usize, offset as usize + slice.range.len());
                    let own = self.lineage.in_file(file, own);
                    source.path == **path && source.inside.is_none() && own.start < span.end && span.start < own.end
                }
                _ => self.hit(leaf).is_some(),
            },
            (made_of, _) => {
                let leaves: Vec<LeafId> = self.lineage.sets.borrow().leaves(made_of.set()).collect();
                leaves.into_iter().any(|leaf| self.hit(leaf).is_some())
            }
        }
    }

    /// Tells whether what decided over something looked at the spot.
    fn decides(&mut self, control: SetId) -> bool {
        let leaves: Vec<LeafId> = self.lineage.sets.borrow().leaves(control).collect();
        leaves.into_iter().any(|leaf| self.hit(leaf) == Some(Hit::Is))
    }

    fn hit_by_path(&self, leaf: &Leaf) -> Option<Hit> {
        let paths = match leaf {
            Leaf::Node { layer, at } | Leaf::Key { layer, at } => {
                self.lineage.layering.paths_of(*layer, &self.lineage.paths.keys(*at))
            }
            Leaf::Absent { at } => vec![self.lineage.paths.keys(*at).into_iter().map(str::to_owned).collect()],
            _ => return None,
        };
        if let Spot::Key(path) = self.spot {
            if paths.iter().any(|own| own == path) {
                return Some(Hit::Is);
            }
            if paths.iter().any(|own| path.starts_with(own) || own.starts_with(path)) {
                return Some(Hit::Holds);
            }
        }
        let is_merged = |own: &Vec<String>| self.maps.iter().any(|map| own.starts_with(map));
        paths.iter().any(is_merged).then_some(Hit::Holds)
    }

    fn hit(&mut self, id: LeafId) -> Option<Hit> {
        if let Some(known) = self.leaves.get(&id) {
            return *known;
        }
        let leaf = self.lineage.leaf(id);
        let hit = self.hit_by_path(&leaf).or_else(|| match self.spot {
            Spot::Bytes(path, span, _) => place_of(self.lineage, &leaf, None)
                .filter(|(place, _)| place.file == **path && place.inside.is_none())
                .and_then(|(place, _)| {
                    let holds = place.span.start <= span.start && span.end <= place.span.end;
                    holds.then_some(if place.span == *span { Hit::Is } else { Hit::Holds })
                }),
            Spot::Key(_) => None,
        });
        self.leaves.insert(id, hit);
        hit
    }
}
