//! What a value of a build can come from.

use crate::source::{span::Span, yaml::tree::NodeId};

/// A file of the build, or a text inside of one that is YAML itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u32);

/// One place outside of the evaluation that a value can come from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Leaf {
    /// A scalar, list or map of a YAML document. A verbatim piece's offset counts from the first byte of what the scalar says.
    Node {
        /// The file.
        source: SourceId,
        /// The document, from 0.
        document: u32,
        /// The node.
        node: NodeId,
    },
    /// A key of a map of a YAML document.
    Key {
        /// The file.
        source: SourceId,
        /// The document, from 0.
        document: u32,
        /// The node that is the key.
        node: NodeId,
    },
    /// Bytes of a file that is no YAML: of a generator's file or environment file. A verbatim piece's offset counts from the
    /// first of these bytes.
    Bytes {
        /// The file.
        source: SourceId,
        /// The bytes.
        span: Span,
    },
    /// What Kustomize itself supplies: the hash of a generated object.
    BuiltIn(&'static str),
}
