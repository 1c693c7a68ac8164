//! Entries that are one node to Kustomize.
//!
//! Kustomize's label and annotation transformers make one node for a pair and put that same node into every place of an object
//! that lacks the key. Whatever is later written into one of these places in place (another pair of the key, a strategic merge
//! patch, a replacement, a variable) is thereby written into all: an overlay that sets a label of a base's `commonLabels` in
//! `metadata` moves the selectors too. RFC 6902 patches write the object anew and end this.
//!
//! Here every place has a node of its own. The entries of a pair have the pair's key in common, and with it the leaf that their
//! keys come from; an object remembers the leaves of which it has several entries in [`Resource::shared`].

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
    let before: Vec<(LeafId, Option<Node>)> = resource
        .shared
        .iter()
        .map(|leaf| {
            let mut first = None;
            each(&resource.node, &mut |entry| {
                if first.is_none() && leaf_of(entry) == Some(*leaf) {
                    first = Some(entry.value.clone());
                }
            });
            (*leaf, first)
        })
        .collect();
    write(resource, context)?;
    for (leaf, before) in before {
        let Some(before) = before else { continue };
        let (mut written, mut count) = (None, 0);
        each(&resource.node, &mut |entry| {
            count += 1;
            if leaf_of(entry) == Some(leaf) && !is_same(&entry.value, &before) {
                written = Some(entry.value.clone());
            }
        });
        context.spend(2 * count)?;
        if let Some(written) = written {
            each_mut(&mut resource.node, &mut |entry| {
                if leaf_of(entry) == Some(leaf) {
                    entry.value = written.clone();
                }
            });
        }
    }
    Ok(())
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
