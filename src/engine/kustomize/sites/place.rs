//! How an editor gets to what a build read: through the scalar that says a text, where the text is YAML itself.

use crate::{
    engine::{
        kustomize::{
            kustomization::NAMES,
            leaf::{Leaf, SourceId},
            provenance::Lineage,
        },
        site::{Site, Wording},
    },
    model::{change::Change, pointer::Pointer},
    source::{lineage::sets::SetId, yaml::resolve::Reader},
};

/// A node of a document of a file, or of a text in one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// The file or text.
    pub source: SourceId,
    /// The document, from 0.
    pub document: u32,
    /// The place in the document.
    pub at: Pointer,
}

impl Address {
    /// Where a leaf is, where it is a node; a key stands for the value that it names.
    pub fn of(lineage: &Lineage, leaf: &Leaf) -> Option<Self> {
        let (Leaf::Node { source, document, node } | Leaf::Key { source, document, node }) = *leaf else { return None };
        Some(Self { source, document, at: lineage.pointer(source, document, node)? })
    }

    /// Where the leaves of a set are that are nodes.
    pub fn all(lineage: &Lineage, set: SetId) -> Vec<Self> {
        lineage.leaves(set).filter_map(|leaf| Self::of(lineage, leaf)).collect()
    }
}

/// Tells whether a file is a kustomization's own, where texts say what becomes of objects.
pub(super) fn is_kustomization(lineage: &Lineage, source: SourceId) -> bool {
    let source = lineage.source(source);
    source.inside.is_none() && NAMES.contains(&source.path.name())
}

/// How a file or text is read.
pub(super) fn reader(lineage: &Lineage, source: SourceId) -> Reader {
    if is_kustomization(lineage, source) { Reader::Manifest } else { Reader::Kustomize }
}

/// A change of a document, through the scalars that say the text it is in.
pub(super) fn site(lineage: &Lineage, source: SourceId, document: u32, change: Change, label: String) -> Option<Site> {
    let of = lineage.source(source);
    let mut wording = Wording::Yaml { document: document as usize, change, reader: reader(lineage, source) };
    let mut inside = of.inside;
    while let Some(around) = inside {
        let reader = reader(lineage, around.source);
        let at = lineage.pointer(around.source, around.document, around.node)?;
        wording = Wording::Within { document: around.document as usize, at, reader, inner: Box::new(wording) };
        inside = lineage.source(around.source).inside;
    }
    Some(Site { file: of.path.clone(), label, wording, also: Vec::new() })
}
