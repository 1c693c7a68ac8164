//! Pointers to nodes.

use std::{
    borrow::Cow,
    collections::{HashMap, hash_map::Entry},
};

use super::{
    Found, Reader, Via,
    fields::{self, Budget, Field},
};
use crate::{
    model::pointer::{Pointer, list_index},
    source::yaml::tree::{Document, NodeId, NodeKind},
};

/// Finds nodes of one document, each map on the way resolved once.
pub struct Index<'d> {
    document: &'d Document,
    reader: Reader,
    /// The fields of a map by key; none where it has no value.
    maps: HashMap<NodeId, HashMap<Cow<'d, str>, Field<'d>>>,
}

impl<'d> Index<'d> {
    /// Nothing is resolved yet.
    pub fn of(document: &'d Document, reader: Reader) -> Self {
        Self { document, reader, maps: HashMap::new() }
    }

    /// Finds the node at a pointer, as [`super::find`] does.
    pub fn find(&mut self, pointer: &Pointer) -> Option<Found> {
        let document = self.document;
        let mut via = Vec::new();
        let (mut key, mut node) = (None, follow(document, document.root?, &mut via));
        for token in pointer.tokens() {
            let next = match &document.node(node).kind {
                NodeKind::Sequence { items, .. } => {
                    key = None;
                    items.get(list_index(token)?)?.node
                }
                NodeKind::Mapping { .. } => {
                    let field = self.fields(node).get(token.as_str())?;
                    key = Some(field.key);
                    via.extend(&field.via);
                    field.value
                }
                _ => return None,
            };
            node = follow(document, next, &mut via);
        }
        Some(Found { key, node, via })
    }

    fn fields(&mut self, map: NodeId) -> &HashMap<Cow<'d, str>, Field<'d>> {
        match self.maps.entry(map) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let fields = fields::fields(self.document, map, self.reader, &mut Budget::default(), false);
                let fields = fields.map(fields::Fields::into_vec).unwrap_or_default();
                new.insert(fields.into_iter().map(|field| (field.text.clone(), field)).collect())
            }
        }
    }
}

/// The node behind an alias, which is noted.
fn follow(document: &Document, node: NodeId, via: &mut Vec<Via>) -> NodeId {
    let (target, alias) = fields::target(document, node);
    via.extend(alias.map(Via::Alias));
    target
}
