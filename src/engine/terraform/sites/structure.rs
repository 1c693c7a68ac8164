//! What comes and goes: arguments, blocks, items, elements.

use serde_json::Value as Json;

use super::{Search, find, leaves, numbered};
use crate::{
    engine::{
        site::{Lists, Site, Wording},
        terraform::{
            leaf::{Leaf, Place, Role, Says},
            value::{Datum, Value, walk::flow_of},
        },
    },
    model::{
        change::Action,
        pointer::{Pointer, list_index},
    },
    source::{
        hcl::{
            self,
            edit::{Change as Edit, literal, may_be_blocks},
            tree::ExpressionKind,
        },
        path::RepoPath,
        span::Span,
    },
};

/// A map or resource gets a key.
pub(super) fn add_key(search: &mut Search<'_>, value: &Value, at: &Pointer, key: &str, new: &Json) {
    let action = Action::AddKey { key: key.to_owned(), value: new.clone() };
    let mut leaves = search.leaves(value);
    nearest_first(&mut leaves);
    for leaf in &leaves {
        match leaf.says {
            Says::Block if may_be_blocks(new) => add_unclear(search, at, leaf, key, new),
            Says::Block | Says::Container => search.at_leaf(leaf, &action),
            Says::Literal if value.is_null() => {
                let map = Json::Object([(key.to_owned(), new.clone())].into_iter().collect());
                search.at_leaf(leaf, &Action::Set(map));
            }
            _ => {}
        }
    }
}

/// The places that are nearest to the resource first; of one file, the last one, which wins in a merge.
fn nearest_first(leaves: &mut [Leaf]) {
    let rank = |role: Role| match role {
        Role::Resource => 0,
        Role::ModuleArgument => 1,
        Role::VariableValue => 2,
        Role::Local | Role::File => 3,
        _ => 4,
    };
    leaves.sort_by_key(|leaf| (rank(leaf.role), std::cmp::Reverse(leaf.place.map(|place| place.span.start))));
}

/// An argument, or blocks: resources of the same type that have it tell which.
fn add_unclear(search: &mut Search<'_>, at: &Pointer, leaf: &Leaf, kind: &str, new: &Json) {
    let whole = search.built.whole;
    let (ty, names) = (whole.names(leaf.path).get(1).map(|ty| (*ty).to_owned()), at.tokens());
    let (mut blocks, mut arguments) = (false, false);
    let alike = whole.planned.iter().filter(|planned| {
        let own = planned.value.flow().data;
        whole.leaves(own).first().and_then(|leaf| whole.names(leaf.path).get(1).map(|ty| (*ty).to_owned())) == ty
    });
    for other in alike {
        // The same place, at whatever positions.
        let mut others = vec![&other.value];
        for name in names {
            others = others
                .into_iter()
                .flat_map(|value| match value.datum() {
                    Datum::Sequence(elements) => elements.iter().collect(),
                    Datum::Mapping(mapping) => {
                        mapping.get(name).map(|entry| &entry.value).into_iter().collect::<Vec<_>>()
                    }
                    _ => Vec::new(),
                })
                .collect();
        }
        for other in others {
            let Some(entry) = other.as_mapping().and_then(|mapping| mapping.get(kind)) else { continue };
            let is_block = entry.value.as_sequence().is_some_and(|elements| {
                elements
                    .iter()
                    .any(|element| whole.leaves(element.flow().data).iter().any(|leaf| leaf.says == Says::Block))
            });
            blocks |= is_block;
            arguments |= !is_block;
        }
    }
    match (blocks, arguments) {
        (true, false) => search.found.add(new_blocks(search, leaf, kind, new.as_array().map_or(&[], Vec::as_slice))),
        (false, false) if search.built.lists == Lists::Blocks => {
            search.found.add(new_blocks(search, leaf, kind, new.as_array().map_or(&[], Vec::as_slice)));
        }
        (false, true) => {
            let action = Action::AddKey { key: kind.to_owned(), value: new.clone() };
            search.at_leaf(leaf, &action);
        }
        _ => {
            let address = &search.built.planned.address;
            let message =
                format!("whether {kind} of {address} is an argument or blocks is not to be told: none is there yet");
            search.why = Some(search.built.refusal(message, "add it by hand"));
        }
    }
}

/// Blocks at the end of those of their type.
fn new_blocks(search: &Search<'_>, around: &Leaf, kind: &str, items: &[Json]) -> Option<Site> {
    let place = around.place?;
    let file = search.built.whole.file(place).clone();
    if file.as_str().ends_with(".json") {
        return None;
    }
    let mut sites = items.iter().filter_map(Json::as_object).map(|value| Site {
        file: file.clone(),
        label: format!("block {kind}"),
        wording: Wording::Hcl(Edit::Block {
            within: place.span,
            kind: kind.to_owned(),
            value: value.clone(),
            lists_are_blocks: search.built.lists == Lists::Blocks,
        }),
        also: Vec::new(),
    });
    let first = sites.next()?;
    // Two blocks that say the same are one step each.
    Some(Site { also: sites.collect(), ..first })
}

/// A list gets an element.
pub(super) fn add_item(search: &mut Search<'_>, base: &Value, value: &Value, at: &Pointer, index: usize, new: &Json) {
    let Some(elements) = value.as_sequence() else {
        if value.is_null() {
            for leaf in search.leaves(value) {
                search.at_leaf(&leaf, &Action::Set(Json::Array(vec![new.clone()])));
            }
        }
        return;
    };
    let mut containers = search.leaves(value);
    nearest_first(&mut containers);
    let is_only = containers.iter().filter(|leaf| leaf.says == Says::Container).count() == 1;
    for leaf in containers.iter().filter(|leaf| leaf.says == Says::Container) {
        let index = if is_only { index } else { usize::MAX };
        search.at_leaf(leaf, &Action::AddItem { index, value: new.clone() });
    }
    let (Some(kind), Json::Object(_)) = (at.last(), new) else { return };
    let blocks = |element: &Value| {
        search.built.whole.leaves(element.flow().data).into_iter().find(|leaf| leaf.says == Says::Block)
    };
    let own: Vec<Leaf> = elements.iter().filter_map(blocks).collect();
    if own.is_empty() {
        return;
    }
    if own.iter().any(|leaf| !is_content(search, leaf))
        && let Some(around) = at.parent().and_then(|above| find(base, &above).map(|above| search.leaves(above)))
    {
        for leaf in around.iter().filter(|leaf| leaf.says == Says::Block) {
            search.found.add(new_blocks(search, leaf, kind, std::slice::from_ref(new)));
        }
    }
    like_others(search, value, elements, new);
}

/// Tells whether a block is the content of a dynamic block.
fn is_content(search: &Search<'_>, leaf: &Leaf) -> bool {
    let text = leaf.place.and_then(|place| search.built.whole.text(place.file).get(place.span.range()));
    text.is_some_and(|text| text.starts_with("content"))
}

/// Dynamic blocks come from the elements of a collection: a new one is an element like the one that made another block, with
/// what the new block says in the place of what that one said.
fn like_others(search: &mut Search<'_>, value: &Value, elements: &[Value], new: &Json) {
    let whole = search.built.whole;
    for element in elements.iter().rev().filter(|element| {
        whole.leaves(element.flow().data).iter().any(|leaf| leaf.says == Says::Block && is_content(search, leaf))
    }) {
        for container in whole.leaves(element.flow().control).into_iter().chain(whole.leaves(value.flow().control)) {
            if container.says == Says::Container
                && let Some(made) = entry_like(search, &container, element, new)
            {
                search.at_leaf(&container, &Action::AddItem { index: usize::MAX, value: made });
                return;
            }
        }
    }
}

/// The literal element of a tuple that says a block, changed to say another one.
fn entry_like(search: &Search<'_>, container: &Leaf, block: &Value, new: &Json) -> Option<Json> {
    let place = container.place?;
    let item = element_of(search, place, block)?;
    let text = search.built.whole.text(place.file);
    let mut entry = literal(&hcl::parse_expression(text.get(item.1.range())?).ok()?)?;
    let (old, new) = (super::super::print::attributes(block), new.as_object()?);
    for (name, value) in new {
        let old_value = old.get(name);
        if old_value == Some(value) {
            continue;
        }
        let part = find(block, &Pointer::of([name.as_str()]))?;
        let [leaf] = search.leaves(part)[..] else { return None };
        leaf.place.filter(|at| at.file == place.file && item.1.start <= at.span.start && at.span.end <= item.1.end)?;
        let (from, to) = (search.built.whole.names(container.path).len() + 1, search.built.whole.names(leaf.path));
        let below = Pointer::of(to.get(from..)?.iter().copied());
        *below.get_mut(&mut entry)? = value.clone();
    }
    Some(entry)
}

/// The element of a tuple in whose bytes all is that a block is made of.
fn element_of(search: &Search<'_>, tuple: Place, block: &Value) -> Option<(usize, Span)> {
    let text = search.built.whole.text(tuple.file);
    let parsed = hcl::parse_expression(text.get(tuple.span.range())?).ok()?;
    let ExpressionKind::Tuple(items) = &parsed.kind else { return None };
    let flow = block.whole_flow(&mut search.built.whole.sets.borrow_mut());
    let places: Vec<Place> = search.built.whole.leaves(flow.data).iter().filter_map(|leaf| leaf.place).collect();
    let spans =
        items.iter().map(|item| Span::new(item.span.start + tuple.span.start, item.span.end + tuple.span.start));
    let holds = |span: &Span| {
        places
            .iter()
            .any(|place| place.file == tuple.file && span.start <= place.span.start && place.span.end <= span.end)
    };
    let mut found = spans.enumerate().filter(|(_, span)| holds(span));
    match (found.next(), found.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

/// A key or element goes.
pub(super) fn remove(search: &mut Search<'_>, base: &Value, value: &Value, at: &Pointer, now: Option<usize>) {
    let (Some(above), Some(last)) = (at.parent(), at.last()) else { return };
    let Some(around) = find(base, &above) else { return };
    if let Some((file, line)) = read_by_number(search, around, value, &above, last) {
        let message = format!("{file}:{line} may read the block {at} by its number, and Terraform would stop there");
        search.why = Some(search.built.refusal(message, "change both by hand"));
        return;
    }
    match around.datum() {
        Datum::Mapping(mapping) => {
            let Some(entry) = mapping.get(last) else { return };
            let flow = flow_of(&mut search.built.whole.sets.borrow_mut(), entry.key.text());
            let keys = search.built.whole.leaves(flow.data);
            let own = search.built.whole.leaves(around.flow().data);
            let is_nested = !above.tokens().is_empty() && own.iter().any(|leaf| leaf.says == Says::Block);
            if is_nested && !keys.is_empty() {
                let message = format!("a block always has all of its arguments: {at} can be null, but not gone");
                search.why = Some(search.built.refusal(message, "report that the argument becomes null"));
                return;
            }
            for leaf in keys.iter().filter(|leaf| leaf.says == Says::Key) {
                search.at_leaf(leaf, &Action::Remove);
            }
            if keys.is_empty() {
                remove_blocks(search, value.as_sequence().unwrap_or_default());
            }
        }
        Datum::Sequence(elements) => remove_element(search, around, elements, value, now),
        _ => {}
    }
}

/// The file and line that may read a block that goes, alone or with all of its type, by its number.
fn read_by_number<'b>(
    search: &Search<'b>,
    around: &Value,
    value: &Value,
    above: &Pointer,
    last: &str,
) -> Option<(&'b RepoPath, usize)> {
    let (kind, element, from) = match list_index(last).filter(|_| around.as_sequence().is_some()) {
        Some(index) => (above.last()?, value, index),
        None => (last, value.as_sequence()?.first()?, 0),
    };
    let block = numbered::block_of(search.built, element)?;
    numbered::reader(search.built, &block, kind, from)
}

fn remove_blocks(search: &mut Search<'_>, elements: &[Value]) {
    let leaves = |element: &Value| search.built.whole.leaves(element.flow().data);
    let blocks: Vec<Leaf> = elements.iter().flat_map(leaves).filter(|leaf| leaf.says == Says::Block).collect();
    if blocks.len() != elements.len() || blocks.iter().any(|leaf| is_content(search, leaf)) {
        return;
    }
    let mut sites = blocks.iter().flat_map(|leaf| leaves::sites(search.built, leaf, &Action::Remove));
    if let Some(first) = sites.next() {
        let also = sites.collect();
        search.found.add([Site { also, ..first }]);
    }
}

fn remove_element(search: &mut Search<'_>, list: &Value, elements: &[Value], value: &Value, now: Option<usize>) {
    let containers: Vec<Leaf> = search.leaves(list).into_iter().filter(|leaf| leaf.says == Says::Container).collect();
    let blocks = search.built.whole.leaves(value.flow().data);
    let own = blocks.into_iter().filter(|leaf| leaf.says == Says::Block && !is_content(search, leaf));
    for leaf in own.collect::<Vec<_>>() {
        search.at_leaf(&leaf, &Action::Remove);
    }
    for leaf in &containers {
        if leaf.role == Role::File {
            continue;
        }
        let Some(place) = leaf.place else { continue };
        match element_of(search, place, value) {
            Some((_, span)) => search.found.add(remove_at(search, leaf, span)),
            None if containers.len() == 1 && count(search, place) == Some(elements.len()) => {
                let Some(index) = now else { continue };
                let file = search.built.whole.file(place).clone();
                let wording = Wording::Hcl(Edit::RemoveElement { within: place.span, index });
                search.found.add([Site {
                    file,
                    label: leaves::label(search.built, leaf, &Action::Remove),
                    wording,
                    also: Vec::new(),
                }]);
            }
            None => {}
        }
    }
    // An element of a file of data, by its own place.
    let flow = value.own_flow(&mut search.built.whole.sets.borrow_mut());
    for leaf in search.built.whole.leaves(flow.data).iter().filter(|leaf| leaf.role == Role::File) {
        if matches!(leaf.says, Says::Scalar | Says::Container) {
            search.at_leaf(leaf, &Action::Remove);
        }
    }
    // The element of the collection that a dynamic block goes through.
    for leaf in search.built.whole.leaves(value.flow().control).iter().filter(|leaf| leaf.says == Says::Container) {
        if let Some(place) = leaf.place
            && let Some((_, span)) = element_of(search, place, value)
        {
            search.found.add(remove_at(search, leaf, span));
        }
    }
}

fn remove_at(search: &Search<'_>, leaf: &Leaf, at: Span) -> Option<Site> {
    let file = search.built.whole.file(leaf.place?).clone();
    if ![".tf", ".tfvars", ".hcl"].iter().any(|end| file.as_str().ends_with(end)) {
        return None;
    }
    let label = leaves::label(search.built, leaf, &Action::Remove);
    Some(Site { file, label, wording: Wording::Hcl(Edit::Remove { at }), also: Vec::new() })
}

/// How many elements a tuple has.
fn count(search: &Search<'_>, tuple: Place) -> Option<usize> {
    let text = search.built.whole.text(tuple.file).get(tuple.span.range())?;
    match hcl::parse_expression(text).ok()?.kind {
        ExpressionKind::Tuple(items) => Some(items.len()),
        _ => None,
    }
}
