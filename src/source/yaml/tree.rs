//! A YAML file as a tree in which every node knows its bytes.

use crate::source::span::Span;

/// A YAML file: its documents in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Stream {
    /// The documents, empty and comment-only ones included, in the order of the file.
    pub documents: Vec<Document>,
}

/// One document of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// From the line of its `---` (or where the document before ends) up to where the next document begins.
    pub span: Span,
    /// The `---`, where it is written.
    pub start_marker: Option<Span>,
    /// The `...`, where it is written.
    pub end_marker: Option<Span>,
    /// The outermost node; absent in an empty or comment-only document.
    pub root: Option<NodeId>,
    /// All nodes; a [`NodeId`] indexes them.
    pub nodes: Vec<Node>,
    /// All comments in order, each from its `#` to before the line break.
    pub comments: Vec<Span>,
}

/// A node of one document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub usize);

/// A node and its bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// The bytes of its content, without anchor and tag, and without white space, line breaks or comments around it:
    /// a plain or quoted scalar with its quotes; a block scalar from its `|` or `>` through its last line that belongs to
    /// it (without that line's break); a flow collection from bracket to bracket; a block collection from its first key,
    /// `?` or `-` to the end of its last descendant; an alias with its `*`. Empty where nothing is written: then it lies
    /// directly behind the `:`, `-`, `?`, anchor or tag that it belongs to.
    pub span: Span,
    /// Its anchor and tag; hardly any node has one, and there are many nodes.
    pub properties: Option<Box<Properties>>,
}

/// The anchor and tag before a node, in either order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Properties {
    /// The anchor with its `&`.
    pub anchor: Option<Span>,
    /// The tag as written, `!!str`.
    pub tag: Option<Span>,
    /// The tag spelled out, `tag:yaml.org,2002:str`.
    pub tag_name: Option<String>,
}

impl Node {
    /// The anchor with its `&`.
    pub fn anchor(&self) -> Option<Span> {
        self.properties.as_ref()?.anchor
    }

    /// The tag as written, `!!str`.
    pub fn tag(&self) -> Option<Span> {
        self.properties.as_ref()?.tag
    }

    /// The tag spelled out, `tag:yaml.org,2002:str`.
    pub fn tag_name(&self) -> Option<&str> {
        self.properties.as_ref()?.tag_name.as_deref()
    }
}

/// What a node is.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeKind {
    /// A single value; what type it has is for [`super::resolve`] to say.
    Scalar {
        /// How it is written.
        style: ScalarStyle,
        /// Its text, with escapes, folding and indentation undone.
        text: String,
    },
    /// A list.
    Sequence {
        /// `[…]` or dashes.
        style: CollectionStyle,
        /// The items in order.
        items: Vec<Item>,
    },
    /// A map. Duplicate and merge keys are entries like any other.
    Mapping {
        /// `{…}` or lines.
        style: CollectionStyle,
        /// The entries in order.
        entries: Vec<Entry>,
    },
    /// `*name`: stands for an anchored node before it.
    Alias {
        /// The anchor's name, without `*`.
        name: String,
        /// The node that it stands for.
        target: NodeId,
    },
}

/// An item of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// The byte of its `-`; absent in a flow list.
    pub dash: Option<usize>,
    /// The item.
    pub node: NodeId,
}

/// An entry of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The byte of the `?` of an explicit key.
    pub question: Option<usize>,
    /// The key.
    pub key: NodeId,
    /// The byte of its `:`; absent where neither colon nor value is written.
    pub colon: Option<usize>,
    /// The value.
    pub value: NodeId,
}

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are YAML's own")]
pub enum ScalarStyle {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
    Folded,
}

/// How a collection is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are YAML's own")]
pub enum CollectionStyle {
    Block,
    Flow,
}

impl Document {
    /// A node of this document.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }
}
