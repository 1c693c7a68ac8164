//! Nodes to JSON values.

use serde_json::{Map, Value};

use super::{
    Reader, ResolveError, Unresolvable,
    fields::{self, Budget},
    scalar,
};
use crate::source::yaml::{
    parse::MAX_DEPTH,
    tree::{Document, NodeId, NodeKind},
};

/// The value of a node and everything below it.
pub(super) fn value(document: &Document, node: NodeId, reader: Reader) -> Result<Value, ResolveError> {
    Conversion { document, reader, budget: Budget::default(), open: Vec::new() }.value(node, false)
}

struct Conversion<'d> {
    document: &'d Document,
    reader: Reader,
    budget: Budget,
    /// The lists and maps around the node at hand, through aliases.
    open: Vec<NodeId>,
}

impl Conversion<'_> {
    fn value(&mut self, id: NodeId, aliased: bool) -> Result<Value, ResolveError> {
        let document = self.document;
        let node = document.node(id);
        self.budget.spend(node, aliased)?;
        match &node.kind {
            NodeKind::Scalar { style, text } => scalar::typed(text, *style, node.tag_name.as_deref(), self.reader)
                .and_then(|scalar| scalar.into_json(text, self.reader))
                .map_err(|problem| node.refuse(problem)),
            NodeKind::Alias { name, target } if self.open.contains(target) => {
                Err(node.refuse(Unresolvable::Cycle(name.clone())))
            }
            NodeKind::Alias { target, .. } => self.value(*target, true),
            NodeKind::Sequence { .. } | NodeKind::Mapping { .. } if self.open.len() >= MAX_DEPTH => {
                Err(node.refuse(Unresolvable::TooDeep))
            }
            NodeKind::Sequence { items, .. } => {
                self.open.push(id);
                let values = items.iter().map(|item| self.value(item.node, aliased)).collect::<Result<_, _>>()?;
                self.open.pop();
                Ok(Value::Array(values))
            }
            NodeKind::Mapping { .. } => {
                self.open.push(id);
                let mut map = Map::new();
                let mut fields = fields::fields(document, id, self.reader, &mut self.budget, aliased)?;
                for replaced in std::mem::take(&mut fields.replaced) {
                    self.value(replaced, aliased)?;
                }
                for field in fields.into_vec() {
                    let value = self.value(field.value, aliased || !field.via.is_empty())?;
                    map.insert(field.text, value);
                }
                self.open.pop();
                Ok(Value::Object(map))
            }
        }
    }
}
