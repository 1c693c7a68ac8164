//! Prints YAML as go-yaml does, with the origins of every byte.
//!
//! `toYaml` goes through go-yaml v2 (as `sigs.k8s.io/yaml` 1.4 carries it), `toYamlPretty` through v3. Which of several ways
//! to write a text they choose cannot be told from a grammar: it follows from their emitter's decisions, which are those of
//! libyaml, and from what the text would be read as without quotes. So this is their emitter (`encode.go`, `emitterc.go`,
//! `sorter.go`), for block style, on texts whose bytes know where they come from: what is copied keeps its pieces, what the
//! emitter adds is derived from what it belongs to.

mod emit;
mod order;
mod scalar;

use crate::source::lineage::{sets::Flow, text::Text};

/// A value to be printed.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it is.
    pub content: Content,
    /// What its quotes, dashes, colons and indentation belong to. The bytes of texts have their own origins.
    pub flow: Flow,
}

/// What a value is.
#[derive(Clone, Debug)]
pub enum Content {
    /// A string, quoted where it would be read as something else. Bytes that are not UTF-8 are printed as `!!binary`.
    Text(Text),
    /// A number, `true`, `false` or `null`, as it is to be printed.
    Bare(Text),
    /// A list.
    List(Vec<Node>),
    /// A map, printed in this order.
    Map(Vec<Entry>),
}

/// An entry of a map.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: Text,
    /// What the key's quotes belong to.
    pub key_flow: Flow,
    /// The value.
    pub value: Node,
}

/// Whose output it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// go-yaml v2: lists in maps are not indented, lines fold behind column 80, YAML 1.1's booleans are quoted because they
    /// would be read as such.
    Two,
    /// go-yaml v3 with an indentation of 2: lists in maps are indented, nothing folds.
    Three,
    /// go-cty-yaml, which Terraform writes with: every string and key in double quotes or as a block, otherwise as v2.
    Quoted,
}

/// The output is larger than the caller allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the YAML is longer than {0} bytes")]
pub struct TooLong(pub usize);

/// Prints a value, with a line break at its end.
///
/// Recursion is as deep as the value; whoever builds it limits its nesting.
///
/// # Errors
/// When the output becomes longer than `limit`.
pub fn write(node: &Node, dialect: Dialect, limit: usize) -> Result<Text, TooLong> {
    emit::write(node, dialect, limit)
}

/// Puts entries into the order in which go-yaml prints a map: runs of digits count as numbers.
pub fn sort(entries: &mut Vec<Entry>, dialect: Dialect) {
    order::sort(entries, dialect);
}

/// Tells whether a text that is no key is printed in quotes or as a block.
pub fn is_quoted(text: &str, dialect: Dialect) -> bool {
    scalar::is_quoted(text, dialect)
}
