//! Pointers to nodes.

use super::{
    Found, Reader, Via,
    fields::{self, Budget},
};
use crate::{
    model::pointer::{Pointer, list_index},
    source::yaml::tree::{Document, NodeId, NodeKind},
};

/// Finds the node at a pointer.
pub(super) fn find(document: &Document, pointer: &Pointer, reader: Reader) -> Option<Found> {
    let mut budget = Budget::default();
    let mut via = Vec::new();
    let (mut key, mut node) = (None, follow(document, document.root?, &mut via));
    for token in pointer.tokens() {
        let next = match &document.node(node).kind {
            NodeKind::Sequence { items, .. } => {
                key = None;
                items.get(list_index(token)?)?.node
            }
            NodeKind::Mapping { .. } => {
                let field = fields::fields(document, node, reader, &mut budget, false).ok()?.take(token)?;
                key = Some(field.key);
                via.extend(field.via);
                field.value
            }
            _ => return None,
        };
        node = follow(document, next, &mut via);
    }
    Some(Found { key, node, via })
}

/// The node behind an alias, which is noted.
fn follow(document: &Document, node: NodeId, via: &mut Vec<Via>) -> NodeId {
    let (target, alias) = fields::target(document, node);
    via.extend(alias.map(Via::Alias));
    target
}
