//! Nodes to JSON values.

use serde_json::Value;

use super::{
    Build, Reader, ResolveError, Unresolvable,
    fields::{self, Budget},
    scalar,
};
use crate::source::yaml::{
    parse::MAX_DEPTH,
    tree::{CollectionStyle, Document, Node, NodeId, NodeKind, ScalarStyle},
};

/// The value of a node and everything below it.
pub(super) fn value(document: &Document, node: NodeId, reader: Reader) -> Result<Value, ResolveError> {
    build(document, node, reader, &mut Json)
}

/// What a builder makes of a node and everything below it.
pub(super) fn build<B: Build>(
    document: &Document,
    node: NodeId,
    reader: Reader,
    builder: &mut B,
) -> Result<B::Value, ResolveError> {
    let in_flow = document.nodes.iter().any(|around| is_flow(around) && encloses(around, document.node(node)));
    Conversion { document, reader, builder, budget: Budget::default(), open: Vec::new() }
        .value(node, Around { in_flow, aliased: false })
}

/// Builds JSON.
struct Json;

impl Build for Json {
    type Value = Value;

    fn scalar(&mut self, _: NodeId, value: Value) -> Value {
        value
    }

    fn list(&mut self, _: NodeId, items: Vec<Value>) -> Value {
        Value::Array(items)
    }

    fn map(&mut self, _: NodeId, entries: Vec<(NodeId, String, Value)>) -> Value {
        Value::Object(entries.into_iter().map(|(_, key, value)| (key, value)).collect())
    }
}

struct Conversion<'d, B> {
    document: &'d Document,
    reader: Reader,
    builder: &'d mut B,
    budget: Budget,
    /// The lists and maps around the node at hand, through aliases.
    open: Vec<NodeId>,
}

impl Unresolvable {
    /// Tells whether only the JSON of a value fails, not go-yaml's reading of it.
    fn is_of_json(&self) -> bool {
        matches!(self, Self::NotJson(_) | Self::Key(_) | Self::AmbiguousKey(_))
    }
}

/// What is around a node.
#[derive(Clone, Copy)]
struct Around {
    /// Brackets, also by way of aliases.
    in_flow: bool,
    aliased: bool,
}

impl<B: Build> Conversion<'_, B> {
    fn value(&mut self, id: NodeId, around: Around) -> Result<B::Value, ResolveError> {
        let document = self.document;
        let node = document.node(id);
        self.budget.spend(node, around.aliased)?;
        let inside = Around { in_flow: around.in_flow || is_flow(node), ..around };
        match &node.kind {
            // Kustomize prints what it read before it decodes it, and prints nothing in brackets as ''.
            NodeKind::Scalar { text, .. }
                if self.reader == Reader::Kustomize && around.in_flow && text.is_empty() && node.tag().is_none() =>
            {
                Ok(self.builder.scalar(id, Value::String(String::new())))
            }
            // In brackets it quotes what has a colon, which makes a text of a time.
            NodeKind::Scalar { style: ScalarStyle::Plain, text }
                if self.reader == Reader::Kustomize && around.in_flow && text.contains(':') && node.tag().is_none() =>
            {
                Ok(self.builder.scalar(id, Value::String(text.clone())))
            }
            NodeKind::Scalar { style, text } => scalar::typed(text, *style, node.tag_name(), self.reader)
                .and_then(|scalar| scalar.into_json(text, self.reader))
                .map(|value| self.builder.scalar(id, value))
                .map_err(|problem| node.refuse(problem)),
            NodeKind::Alias { name, target } if self.open.contains(target) => {
                Err(node.refuse(Unresolvable::Cycle(name.clone())))
            }
            NodeKind::Alias { target, .. } => self.value(*target, Around { aliased: true, ..around }),
            NodeKind::Sequence { .. } | NodeKind::Mapping { .. } if self.open.len() >= MAX_DEPTH => {
                Err(node.refuse(Unresolvable::TooDeep))
            }
            NodeKind::Sequence { items, .. } => {
                self.open.push(id);
                let values = items.iter().map(|item| self.value(item.node, inside)).collect::<Result<_, _>>()?;
                self.open.pop();
                Ok(self.builder.list(id, values))
            }
            NodeKind::Mapping { .. } => {
                self.open.push(id);
                let mut fields = fields::fields(document, id, self.reader, &mut self.budget, around.aliased)?;
                for replaced in std::mem::take(&mut fields.replaced) {
                    let depth = self.open.len();
                    if let Err(error) = self.value(replaced, inside) {
                        if !error.problem.is_of_json() {
                            return Err(error);
                        }
                        self.open.truncate(depth);
                    }
                }
                let fields = fields.into_vec();
                let mut entries = Vec::with_capacity(fields.len());
                for field in fields {
                    let value =
                        self.value(field.value, Around { aliased: around.aliased || !field.via.is_empty(), ..inside })?;
                    entries.push((field.key, field.text.into_owned(), value));
                }
                self.open.pop();
                Ok(self.builder.map(id, entries))
            }
        }
    }
}

fn is_flow(node: &Node) -> bool {
    matches!(
        node.kind,
        NodeKind::Sequence { style: CollectionStyle::Flow, .. }
            | NodeKind::Mapping { style: CollectionStyle::Flow, .. }
    )
}

/// Tells whether a node lies inside of another, not at its very edges.
fn encloses(outer: &Node, inner: &Node) -> bool {
    outer.span.start <= inner.span.start && inner.span.end <= outer.span.end && outer.span != inner.span
}
