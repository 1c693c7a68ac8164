//! Entries that are one node to Kustomize.
//!
//! Kustomize's label and annotation transformers make one node for a pair and put that same node into every place of an object
//! that lacks the key. Whatever is later written into one of these places in place (another pair of the key, a strategic merge
//! patch, a replacement, a variable) is thereby written into all: an overlay that sets a label of a base's `commonLabels` in
//! `metadata` moves the selectors too. RFC 6902 patches write the object anew and end this.
//!
//! Here every place has a node of its own. The entries of a pair have the pair's key in common, and with it the leaf that their
//! keys come from; an object remembers the leaves of which it has several entries in [`Resource::shared`].

use std::collections::HashMap;

use super::{
    context::Context,
    node::{Content, Entry, Node},
    problem::Problem,
    resources::Resource,
};
use crate::source::lineage::{
    sets::LeafId,
    text::{MadeOf, Piece},
};

/// The leaf that a key comes from, where it is written as it stands.
pub fn leaf_of(key: &Entry) -> Option<LeafId> {
    match key.key.pieces() {
        [Piece { made_of: MadeOf::Verbatim { leaf, offset: 0 }, .. }] => Some(*leaf),
        _ => None,
    }
}

/// Lets something write into an object, and carries what it writes into one place of a shared node to the others.
///
/// # Errors
/// What it fails with.
pub fn keeping(
    resource: &mut Resource,
    context: &mut Context<'_>,
    write: impl FnOnce(&mut Resource, &mut Context<'_>) -> Result<(), Problem>,
) -> Result<(), Problem> {
    if resource.shared.is_empty() {
        return write(resource, context);
    }
    let mut count = 0;
    let mut before: HashMap<LeafId, Option<Node>> = resource.shared.iter().map(|leaf| (*leaf, None)).collect();
    each(&resource.node, &mut |entry| {
        count += 1;
        if let Some(first @ None) = leaf_of(entry).and_then(|leaf| before.get_mut(&leaf)) {
            *first = Some(entry.value.clone());
        }
    });
    write(resource, context)?;
    let mut written: HashMap<LeafId, Node> = HashMap::new();
    each(&resource.node, &mut |entry| {
        count += 1;
        let Some(leaf) = leaf_of(entry) else { return };
        if let Some(Some(before)) = before.get(&leaf)
            && !is_same(&entry.value, before)
        {
            written.insert(leaf, entry.value.clone());
        }
    });
    context.spend(count)?;
    spread(resource, &written, context)
}

/// Puts values into all entries of shared nodes.
///
/// # Errors
/// Where that takes too long.
pub fn spread(
    resource: &mut Resource,
    values: &HashMap<LeafId, Node>,
    context: &mut Context<'_>,
) -> Result<(), Problem> {
    if values.is_empty() {
        return Ok(());
    }
    let mut count = 0;
    each_mut(&mut resource.node, &mut |entry| {
        count += 1;
        if let Some(value) = leaf_of(entry).and_then(|leaf| values.get(&leaf)) {
            entry.value = value.clone();
        }
    });
    context.spend(count)
}

/// Tells whether a shared text has a part like this.
pub fn any_says(resource: &Resource, part: u8) -> bool {
    let mut says = false;
    if !resource.shared.is_empty() {
        each(&resource.node, &mut |entry| {
            let text = entry.value.as_scalar().map(|scalar| scalar.text.bytes()).unwrap_or_default();
            says |= text.contains(&part) && leaf_of(entry).is_some_and(|leaf| resource.shared.contains(&leaf));
        });
    }
    says
}

/// Tells whether nothing was written over a value. One that is no scalar was.
fn is_same(value: &Node, before: &Node) -> bool {
    match (&value.content, &before.content) {
        (Content::Scalar(value), Content::Scalar(before)) => {
            value.tag == before.tag
                && value.text.bytes() == before.text.bytes()
                && value.text.pieces() == before.text.pieces()
        }
        _ => false,
    }
}

/// Visits the entries of all maps in the order of their keys, as Kustomize's merges do.
fn each(node: &Node, visit: &mut dyn FnMut(&Entry)) {
    let mut nodes = vec![node];
    while let Some(node) = nodes.pop() {
        match &node.content {
            Content::Scalar(_) => {}
            Content::List(items) => nodes.extend(items.iter().rev()),
            Content::Map(entries) => {
                let mut sorted: Vec<&Entry> = entries.iter().collect();
                sorted.sort_by(|a, b| a.key.bytes().cmp(b.key.bytes()));
                for entry in &sorted {
                    visit(entry);
                }
                nodes.extend(sorted.into_iter().rev().map(|entry| &entry.value));
            }
        }
    }
}

fn each_mut(node: &mut Node, visit: &mut dyn FnMut(&mut Entry)) {
    let mut nodes = vec![node];
    while let Some(node) = nodes.pop() {
        match &mut node.content {
            Content::Scalar(_) => {}
            Content::List(items) => nodes.extend(items),
            Content::Map(entries) => {
                for entry in entries {
                    visit(entry);
                    nodes.push(&mut entry.value);
                }
            }
        }
    }
}
