//! Documents to nodes.

use serde_json::Value;

use super::{Content, Entry, Node, Scalar, Style, Tag};
use crate::{
    engine::kustomize::leaf::{Leaf, SourceId},
    source::{
        lineage::{
            sets::Sets,
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
    let index = u32::try_from(index).expect("a file has fewer than 2^32 documents");
    let mut builder = Builder { document, source, index, reader, sets };
    resolve::build(document, root, reader, &mut builder).map(Some)
}

struct Builder<'b> {
    document: &'b Document,
    source: SourceId,
    index: u32,
    reader: Reader,
    sets: &'b mut Sets<Leaf>,
}

impl Builder<'_> {
    fn node(&mut self, node: NodeId, content: Content) -> Node {
        let leaf = self.sets.leaf(Leaf::Node { source: self.source, document: self.index, node });
        Node { content, places: leaf.into() }
    }
}

impl Build for Builder<'_> {
    type Value = Node;

    fn scalar(&mut self, node: NodeId, value: Value) -> Node {
        let (written, style) = match &self.document.node(node).kind {
            NodeKind::Scalar { text, style } => (text.as_str(), *style),
            _ => ("", ScalarStyle::Plain),
        };
        let leaf = self.sets.leaf(Leaf::Node { source: self.source, document: self.index, node });
        let verbatim = |text: &str| Text::verbatim(text.as_bytes(), leaf);
        let is_untagged = self.document.node(node).tag.is_none();
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
        self.node(node, Content::List(items))
    }

    fn map(&mut self, node: NodeId, entries: Vec<(NodeId, String, Node)>) -> Node {
        let (source, document) = (self.source, self.index);
        let entry = |(key, text, value): (NodeId, String, Node)| {
            let leaf = self.sets.leaf(Leaf::Key { source, document, node: key });
            Entry { key: Text::verbatim(text.as_bytes(), leaf), value }
        };
        let entries = entries.into_iter().map(entry).collect();
        self.node(node, Content::Map(entries))
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
