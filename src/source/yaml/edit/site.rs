//! From a pointer to the node that it names, and to what is around that node.

use super::{EditError, page::Page};
use crate::{
    model::pointer::{Pointer, list_index},
    source::yaml::{
        resolve::{self, Reader},
        tree::{CollectionStyle, Entry, Item, NodeId, NodeKind},
    },
};

/// What a pointer names.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// A node that is written there.
    Written(Site),
    /// A key that a map has only through its `<<`.
    Inherited {
        /// The map with the `<<`.
        map: Site,
        /// Which of its entries the last `<<` is.
        merge: usize,
        /// The key.
        key: String,
    },
}

/// A node and what is around it.
#[derive(Clone, Debug)]
pub(super) struct Site {
    /// The node.
    pub(super) node: NodeId,
    /// The byte behind the `:`, `-`, `?` or `---` that the node follows; where a document begins without `---`, that.
    pub(super) after: usize,
    /// What the node is to the collection around it.
    pub(super) holder: Holder,
    /// The collections around it, outermost first.
    pub(super) around: Vec<NodeId>,
}

/// What a node is to the collection around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    /// The root of the document.
    Root,
    /// The value of this entry of a block map.
    Entry {
        /// Which entry.
        index: usize,
        /// The column of the key.
        column: usize,
    },
    /// This item of a block list.
    Item {
        /// Which item.
        index: usize,
        /// The column of the dash.
        column: usize,
    },
    /// A member of a flow collection.
    Flow {
        /// Which member.
        index: usize,
    },
}

impl Place {
    /// The node that is written there: of an inherited key, the map that inherits.
    pub(super) fn site(&self) -> &Site {
        match self {
            Self::Written(site) | Self::Inherited { map: site, .. } => site,
        }
    }
}

impl Site {
    /// Tells whether the node is inside brackets.
    pub(super) fn in_flow(&self) -> bool {
        matches!(self.holder, Holder::Flow { .. })
    }

    /// The collection directly around.
    pub(super) fn collection(&self) -> Option<NodeId> {
        self.around.last().copied()
    }
}

/// Finds what a pointer names.
pub(super) fn locate(page: Page<'_>, root: NodeId, at: &Pointer, reader: Reader) -> Result<Place, EditError> {
    let after = page.document.start_marker.map_or(page.outer(root).start, |marker| marker.end);
    let mut site = Site { node: root, after, holder: Holder::Root, around: Vec::new() };
    let count = at.tokens().len();
    for (depth, token) in at.tokens().iter().enumerate() {
        let missing = || EditError::NotFound { at: at.clone(), line: page.line(page.node(site.node).span.start) };
        match &page.node(site.node).kind {
            NodeKind::Mapping { style, entries } => match explicit(page, entries, token, reader) {
                Some(index) => site = below_entry(page, site, *style, entries[index], index),
                None => {
                    let merge = entries.iter().rposition(|entry| is_merge(page, *entry, reader)).ok_or_else(missing)?;
                    let value = resolve::value(page.document, site.node, reader).map_err(|_| missing())?;
                    value.get(token).ok_or_else(missing)?;
                    if depth + 1 < count {
                        return Err(aliased(page, entries[merge].value, "a merge key"));
                    }
                    return Ok(Place::Inherited { map: site, merge, key: token.clone() });
                }
            },
            NodeKind::Sequence { style, items } => {
                let index = list_index(token).filter(|index| *index < items.len()).ok_or_else(missing)?;
                site = below_item(page, site, *style, items[index], index);
            }
            NodeKind::Alias { .. } => return Err(aliased(page, site.node, "an alias")),
            NodeKind::Scalar { .. } => return Err(missing()),
        }
    }
    Ok(Place::Written(site))
}

/// The last entry that writes a key itself: where a reader allows duplicates, the last one counts.
pub(super) fn explicit(page: Page<'_>, entries: &[Entry], key: &str, reader: Reader) -> Option<usize> {
    entries.iter().rposition(|entry| {
        !is_merge(page, *entry, reader) && resolve::key_text(page.document, entry.key, reader).as_deref() == Some(key)
    })
}

/// Tells whether an entry is a `<<`; in quotes it is a key like any other to some readers.
pub(super) fn is_merge(page: Page<'_>, entry: Entry, reader: Reader) -> bool {
    matches!(&page.node(entry.key).kind, NodeKind::Scalar { text, .. } if text == "<<")
        && resolve::key_text(page.document, entry.key, reader).is_none()
}

pub(super) fn aliased(page: Page<'_>, node: NodeId, how: &'static str) -> EditError {
    let line = page.line(page.outer(node).start);
    let node = page.node(node);
    EditError::Aliased {
        line,
        name: match &node.kind {
            NodeKind::Alias { name, .. } => format!("*{name}"),
            _ => {
                node.anchor().map_or_else(|| "<<".to_owned(), |anchor| page.slice(anchor.start, anchor.end).to_owned())
            }
        },
        how,
    }
}

fn below_entry(page: Page<'_>, mut site: Site, style: CollectionStyle, entry: Entry, index: usize) -> Site {
    let column = page.column(page.entry(entry).start);
    site.around.push(site.node);
    Site {
        node: entry.value,
        after: entry.colon.map_or(page.outer(entry.key).end, |colon| colon + 1),
        holder: match style {
            CollectionStyle::Block => Holder::Entry { index, column },
            CollectionStyle::Flow => Holder::Flow { index },
        },
        around: site.around,
    }
}

fn below_item(page: Page<'_>, mut site: Site, style: CollectionStyle, item: Item, index: usize) -> Site {
    let start = page.item(item).start;
    site.around.push(site.node);
    Site {
        node: item.node,
        after: item.dash.map_or(start, |dash| dash + 1),
        holder: match style {
            CollectionStyle::Block => Holder::Item { index, column: page.column(start) },
            CollectionStyle::Flow => Holder::Flow { index },
        },
        around: site.around,
    }
}
