//! Documents to nodes.

use serde_json::Value;

use super::{Content, Entry, Node, Scalar, Style, Tag};
use crate::{
    engine::kustomize::leaf::{Leaf, SourceId},
    source::{
        lineage::{
            sets::{LeafId, Sets},
            text::{MadeOf, Text},
        },
        yaml::{
            resolve::{self, Build, Reader, ResolveError},
            tree::{Document, NodeId, NodeKind, ScalarStyle},
        },
    },
};

/// Reads one document of a file; nothing where it is empty.
///
/// # Errors
/// Where the reader finds no value in it either.
pub fn read(
    document: &Document,
    source: SourceId,
    index: usize,
    reader: Reader,
    sets: &mut Sets<Leaf>,
) -> Result<Option<Node>, ResolveError> {
    let Some(root) = document.root else { return Ok(None) };
    let first = leaves(document, source, index, sets);
    resolve::build(document, root, reader, &mut Builder { document, first, reader }).map(Some)
}

/// The leaves of a document's nodes, in a row: a node is a key or a value. One that an alias makes both counts as what it
/// is where it is written.
fn leaves(document: &Document, source: SourceId, index: usize, sets: &mut Sets<Leaf>) -> LeafId {
    let index = u32::try_from(index).expect("a file has fewer than 2^32 documents");
    let mut is_key = vec![false; document.nodes.len()];
    for node in &document.nodes {
        if let NodeKind::Mapping { entries, .. } = &node.kind {
            entries.iter().for_each(|entry| is_key[entry.key.0] = true);
        }
    }
    let mut leaves = is_key.into_iter().enumerate().map(|(node, is_key)| {
        let (document, node) = (index, NodeId(node));
        if is_key { Leaf::Key { source, document, node } } else { Leaf::Node { source, document, node } }
    });
    let first = leaves.next().expect("the root is one of them");
    sets.row(first, leaves)
}

struct Builder<'b> {
    document: &'b Document,
    /// The leaf of the document's first node.
    first: LeafId,
    reader: Reader,
}

impl Builder<'_> {
    fn leaf(&self, node: NodeId) -> LeafId {
        self.first.after(node.0)
    }
}

impl Build for Builder<'_> {
    type Value = Node;

    fn scalar(&mut self, node: NodeId, value: Value) -> Node {
        let (written, style) = match &self.document.node(node).kind {
            NodeKind::Scalar { text, style } => (text.as_str(), *style),
            _ => ("", ScalarStyle::Plain),
        };
        let leaf = self.leaf(node);
        let verbatim = |text: &str| Text::verbatim(text.as_bytes(), leaf);
        let is_untagged = self.document.node(node).tag().is_none();
        let style = if is_untagged { style } else { ScalarStyle::Plain };
        let is_blank = is_untagged && style == ScalarStyle::Plain && written.is_empty();
        let (text, tag) = match &value {
            // Nothing in brackets, which becomes text only by being printed.
            Value::String(_) if is_blank => (verbatim(written), Tag::Null),
            Value::Null => (verbatim(written), Tag::Null),
            // What `yes` means is decided here: resources read it as text.
            Value::Bool(value) if self.reader != Reader::Kustomize && value.to_string() != written => {
                (Text::new(value.to_string().as_bytes(), MadeOf::Derived(leaf.into())), Tag::Boolean)
            }
            Value::Bool(_) => (verbatim(written), Tag::Boolean),
            Value::Number(number) if number.is_f64() || is_float(written) => (verbatim(written), Tag::Float),
            Value::Number(_) => (verbatim(written), Tag::Integer),
            Value::String(text) if text == written => (verbatim(written), Tag::String),
            // A time keeps its text until it is printed.
            Value::String(_) if style == ScalarStyle::Plain && is_untagged => (verbatim(written), Tag::Timestamp),
            Value::String(text) => (Text::new(text.as_bytes(), MadeOf::Derived(leaf.into())), Tag::String),
            Value::Array(_) | Value::Object(_) => (Text::default(), Tag::Null),
        };
        let style = match style {
            ScalarStyle::Plain if is_blank && value.is_string() => Style::Quoted,
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::Folded => Style::Folded,
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted | ScalarStyle::Literal => Style::Quoted,
        };
        Node { content: Content::Scalar(Scalar { text, tag, style }), places: leaf.into() }
    }

    fn list(&mut self, node: NodeId, items: Vec<Node>) -> Node {
        Node { content: Content::List(items), places: self.leaf(node).into() }
    }

    fn map(&mut self, node: NodeId, entries: Vec<(NodeId, String, Node)>) -> Node {
        let entry = |(key, text, value): (NodeId, String, Node)| Entry {
            key: Text::verbatim(text.as_bytes(), self.leaf(key)),
            value,
        };
        let entries = entries.into_iter().map(entry).collect();
        Node { content: Content::Map(entries), places: self.leaf(node).into() }
    }
}

/// Tells whether go-yaml takes a number for a fraction, although it may be a whole one: `1.0`, `1e3`, and `08`, which is not
/// octal.
fn is_float(written: &str) -> bool {
    let digits = written.strip_prefix(['-', '+']).unwrap_or(written);
    let is_octal = |digits: &str| digits.bytes().all(|byte| matches!(byte, b'0'..=b'7' | b'_'));
    match digits.as_bytes() {
        [b'0', b'x' | b'X' | b'b' | b'B' | b'o' | b'O', ..] => false,
        [b'0', ..] => !is_octal(digits),
        _ => digits.contains(['.', 'e', 'E']),
    }
}
