//! What a build knows of where its values are written, and how an editor gets there.

use std::cell::RefCell;

use super::{
    kustomization::Kustomization,
    leaf::{Leaf, SourceId},
    sources::Source,
};
use crate::{
    engine::site::{Site, Wording},
    model::{change::Change, pointer::Pointer},
    source::{
        lineage::sets::{SetId, Sets},
        yaml::{
            resolve::{Reader, key_text},
            tree::{Document, NodeId, NodeKind},
        },
    },
};

/// What a build knows of where its values are written.
#[derive(Debug)]
pub struct Lineage {
    /// The origins.
    pub sets: RefCell<Sets<Leaf>>,
    /// The files and the texts in them.
    pub sources: Vec<Source>,
    /// The kustomizations, the outermost first; each once, in the order in which they were entered.
    pub kustomizations: Vec<Kustomization>,
}

/// A node of a document of a file, or of a text in one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The file or text.
    pub source: SourceId,
    /// The document, from 0.
    pub document: usize,
    /// The place in the document.
    pub at: Pointer,
}

impl Lineage {
    /// A file or text.
    pub fn source(&self, id: SourceId) -> &Source {
        &self.sources[id.0 as usize]
    }

    /// The leaves of a set that are nodes, with where they are; keys stand for the values that they name.
    pub fn addresses(&self, set: SetId) -> Vec<Address> {
        let sets = self.sets.borrow();
        let leaves: Vec<Leaf> = sets.leaves(set).map(|leaf| sets.get(leaf).clone()).collect();
        leaves.iter().filter_map(|leaf| self.address(leaf)).collect()
    }

    /// Where a leaf is, where it is a node.
    pub fn address(&self, leaf: &Leaf) -> Option<Address> {
        let (Leaf::Node { source, document, node } | Leaf::Key { source, document, node }) = *leaf else { return None };
        let at = pointer_to(self.document(source, document)?, node, self.reader(source))?;
        Some(Address { source, document: document as usize, at })
    }

    /// A document of a file or text.
    pub fn document(&self, source: SourceId, document: u32) -> Option<&Document> {
        self.source(source).yaml()?.stream.as_ref().ok()?.documents.get(document as usize)
    }

    /// How a file or text is read.
    pub fn reader(&self, source: SourceId) -> Reader {
        let is_kustomization = self.kustomizations.iter().any(|kustomization| kustomization.file == source);
        if is_kustomization { Reader::Manifest } else { Reader::Kustomize }
    }

    /// A change of a document, through the scalars that say the text it is in.
    pub fn site(&self, source: SourceId, document: usize, change: Change, label: String) -> Option<Site> {
        let file = self.source(source).path.clone();
        let mut wording = Wording::Yaml { document, change, reader: self.reader(source) };
        let mut inside = self.source(source).inside;
        while let Some(around) = inside {
            let reader = self.reader(around.source);
            let at = pointer_to(self.document(around.source, around.document)?, around.node, reader)?;
            wording = Wording::Within { document: around.document as usize, at, reader, inner: Box::new(wording) };
            inside = self.source(around.source).inside;
        }
        Some(Site { file, label, wording, also: Vec::new() })
    }
}

/// The way to a node of a document, or to the value that a key names.
fn pointer_to(document: &Document, wanted: NodeId, reader: Reader) -> Option<Pointer> {
    let mut todo = vec![(document.root?, Pointer::root())];
    while let Some((node, at)) = todo.pop() {
        if node == wanted {
            return Some(at);
        }
        match &document.node(node).kind {
            NodeKind::Mapping { entries, .. } => {
                for entry in entries {
                    let Some(key) = key_text(document, entry.key, reader) else { continue };
                    if entry.key == wanted {
                        return Some(at.join(key));
                    }
                    todo.push((entry.value, at.join(key)));
                }
            }
            NodeKind::Sequence { items, .. } => {
                todo.extend(items.iter().enumerate().map(|(index, item)| (item.node, at.join(index.to_string()))));
            }
            NodeKind::Scalar { .. } | NodeKind::Alias { .. } => {}
        }
    }
    None
}
