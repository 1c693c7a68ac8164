//! What type and value Go gives to a node.
//!
//! The same text means different things to different tools: `no` is `false` to `kubectl` and `helm` but a string to
//! Kustomize, 9007199254740993 is rounded by `helm` only, a date changes its text in Kustomize. An edit is right only if the
//! tool that deploys the file reads back what was meant; so every question here takes the [`Reader`].
//!
//! All rules are go-yaml's (v2 as `sigs.k8s.io/yaml` carries it, v3 as kyaml does) and were recorded from the tools
//! themselves; `tests/it/yaml/` holds the record. Kustomize prints what it read and reads it again before it decodes it; of
//! the losses on that way, nothing in brackets (`{a: }`) is read as "" here as well, but a folded scalar's further indented
//! lines (one more empty line around them) and U+0085 are read as they were meant.

mod convert;
mod fields;
pub mod locate;
mod number;
mod scalar;
mod time;

use serde_json::Value;

use self::locate::Index;
use super::tree::{Document, NodeId};
use crate::{model::pointer::Pointer, source::span::Span};

/// Which tool reads the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reader {
    /// `kubectl apply` and controllers on `sigs.k8s.io/yaml`: YAML 1.1 booleans, integers exact within 64 signed bits.
    Manifest,
    /// Helm's values files and `fromYaml`: as [`Reader::Manifest`], but every number is a 64-bit float.
    Helm,
    /// Kustomize's resources and patches (kyaml): only `true` and `false` are booleans, dates become RFC 3339, keys must be
    /// strings and unique.
    Kustomize,
}

/// The most values of one conversion, aliases and merges written out; more than any file without aliases can have.
pub const MAX_VALUES: usize = 300_000;

/// The most of them that may come from aliases and merges: a few kilobytes that name themselves again and again must not
/// cost as much as a file of the largest size, for there may be thousands of them.
pub const MAX_ALIASED_VALUES: usize = 25_000;

/// The most text of one conversion in bytes, repeated wherever an alias repeats it.
pub const MAX_TEXT_BYTES: usize = 8 * super::parse::MAX_BYTES;

/// A node that has no value for a reader.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{problem}")]
pub struct ResolveError {
    /// The node's bytes.
    pub span: Span,
    /// Why.
    pub problem: Unresolvable,
}

/// Why a node has no value.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum Unresolvable {
    /// Infinity or not a number, which JSON lacks.
    #[error("{0:?} is no JSON number; quote it if it is meant as text")]
    NotJson(String),
    /// The text does not fit its tag.
    #[error("{text:?} cannot be read as {tag}")]
    Tag {
        /// The scalar's text.
        text: String,
        /// Its tag.
        tag: String,
    },
    /// `!!binary` with something else than base64.
    #[error("the text tagged !!binary is not base64")]
    Binary,
    /// A date whose zone RFC 3339 cannot write.
    #[error("the time {0:?} has a zone beyond 23 hours")]
    Zone(String),
    /// A key that the reader refuses: null, a list or a map for all, anything but a string for Kustomize.
    #[error("a key must be a string; quote {0:?}")]
    Key(String),
    /// A list or a map as a key; `{{ … }}` outside quotes reads as one.
    #[error("a list or map cannot be a key; quote \"{{{{ … }}}}\" if that is meant")]
    CollectionKey,
    /// A key that is there twice; Kustomize refuses it, the others take the last one.
    #[error("the key {0:?} is there twice")]
    DuplicateKey(String),
    /// Keys of different types with the same text (`1` and `"1"`): Go picks one by chance.
    #[error("the key {0:?} is there twice with different types, of which Go takes one by chance")]
    AmbiguousKey(String),
    /// `<<` with something else than a map, an alias of a map, or a list of those.
    #[error("\"<<\" needs a map, an alias of a map, or a list of those")]
    Merge,
    /// An alias inside of what it stands for.
    #[error("the alias \"*{0}\" stands inside of what it stands for")]
    Cycle(String),
    /// More than [`MAX_VALUES`] or [`MAX_TEXT_BYTES`], or nearly nothing but aliases.
    #[error("written out, the aliases make too many values")]
    TooLarge,
    /// Nested deeper than the parser allows, by way of aliases.
    #[error("written out, the aliases nest too deeply")]
    TooDeep,
}

/// A place found in a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The key that names the place in its map; absent at the root and in lists.
    pub key: Option<NodeId>,
    /// The node that holds the value: behind the aliases of `via`, never an alias itself.
    pub node: NodeId,
    /// The aliases and merges on the way from the outermost node, in order. Empty where the place is written out; otherwise
    /// the node's bytes belong to other places as well.
    pub via: Vec<Via>,
}

/// A detour on the way to a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// This alias was followed: it, not its target, can be replaced to change this place only.
    Alias(NodeId),
    /// The key was not found in the map itself but came from this value of its `<<`: an entry of its own in the map changes
    /// this place only.
    Merge(NodeId),
}

/// The value of one untagged plain scalar.
pub fn plain(text: &str, reader: Reader) -> Result<Value, Unresolvable> {
    scalar::plain(text, reader).into_json(text, reader)
}

/// What the nodes of a document become: JSON for [`value`], values with origins for whoever asks for those.
pub trait Build {
    /// A value.
    type Value;

    /// A scalar, typed.
    fn scalar(&mut self, node: NodeId, value: Value) -> Self::Value;

    /// A list.
    fn list(&mut self, node: NodeId, items: Vec<Self::Value>) -> Self::Value;

    /// A map: each key once, with the node that names it.
    fn map(&mut self, node: NodeId, entries: Vec<(NodeId, String, Self::Value)>) -> Self::Value;
}

/// Builds something else than JSON of a node and everything below it, by the same rules as [`value`].
pub fn build<B: Build>(
    document: &Document,
    node: NodeId,
    reader: Reader,
    builder: &mut B,
) -> Result<B::Value, ResolveError> {
    convert::build(document, node, reader, builder)
}

/// The value of a node and everything below it.
pub fn value(document: &Document, node: NodeId, reader: Reader) -> Result<Value, ResolveError> {
    convert::value(document, node, reader)
}

/// The text that a node has as a map's key; absent where the reader refuses it as a key and for `<<`, which is none.
pub fn key_text(document: &Document, node: NodeId, reader: Reader) -> Option<String> {
    fields::key(document, node, reader).ok().flatten().map(|key| key.text.into_owned())
}

/// Finds the node at a pointer into the value of a document. Where a key is there twice it finds the one that counts. Who
/// looks for many keeps an [`Index`].
pub fn find(document: &Document, pointer: &Pointer, reader: Reader) -> Option<Found> {
    Index::of(document, reader).find(pointer)
}

/// Tells whether a plain scalar of this text is exactly this string to every reader. Also false for texts that are strings to
/// all three but numbers, times or booleans by YAML 1.1 or 1.2 elsewhere (`1:30`, `yES`, `inf`, `<<`): quotes cost nothing.
pub fn is_string_for_all(text: &str) -> bool {
    scalar::is_string_for_all(text)
}

/// Tells whether one reader takes a plain scalar as exactly this string; `false` for times, which some keep as text.
pub fn is_string(text: &str, reader: Reader) -> bool {
    scalar::is_string(text, reader)
}

/// Reads a time by go-yaml's layouts and spells it as RFC 3339 with nanoseconds; `Some(None)` is a time that RFC 3339 cannot
/// spell.
pub fn time(text: &str) -> Option<Option<String>> {
    time::rfc_3339(text)
}

/// Tells whether a text is a number in base 60 to YAML 1.1 (`12:30`), which Go reads as text and quotes when it writes it.
pub fn is_base_60(text: &str) -> bool {
    number::is_base_60(text)
}
