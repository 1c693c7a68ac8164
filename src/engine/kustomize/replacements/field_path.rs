//! `spec.template.spec.containers.[name=cart].image`: the way to a field.
//!
//! Reference: `kyaml/utils/pathsplitter.go` of Kustomize 5.5.0.

use crate::{
    engine::kustomize::{node::Node, path::split_around_brackets},
    source::lineage::sets::SetId,
};

/// The way to a field.
#[derive(Clone, Debug)]
pub(super) struct FieldPath {
    /// As written.
    pub(super) text: String,
    /// Its parts.
    pub(super) parts: Vec<String>,
    /// Where it is written.
    pub(super) places: SetId,
}

impl FieldPath {
    /// `metadata.name`, which an empty one stands for.
    pub(super) fn name() -> Self {
        let parts = vec!["metadata".to_owned(), "name".to_owned()];
        Self { text: "metadata.name".to_owned(), parts, places: SetId::EMPTY }
    }

    /// Reads a scalar.
    pub(super) fn read(node: &Node) -> Self {
        let text = node.text().unwrap_or_default().to_owned();
        Self { parts: split_around_brackets(&text), text, places: node.places }
    }
}
