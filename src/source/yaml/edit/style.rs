//! What the neighbours look like, so that new text looks like them.

use super::{
    page::{Page, collection_style, is_blank},
    scalar::{Quote, is_plain},
};
use crate::source::yaml::tree::{CollectionStyle, NodeId, NodeKind, ScalarStyle};

/// What is the same for a whole document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Style {
    /// The file's line break, that of its first line.
    pub(super) newline: &'static str,
    /// How much further a map inside a map is indented: the most common difference, else 2.
    pub(super) unit: usize,
    /// The document is JSON: everything in flow style, every string in double quotes.
    pub(super) json: bool,
    /// JSON without blanks after colons and commas.
    pub(super) compact: bool,
    /// JSON with a line for each member.
    pub(super) pretty: bool,
    /// Blanks inside the braces of flow maps.
    pub(super) padded_maps: bool,
    /// Blanks inside the brackets of flow lists.
    pub(super) padded_lists: bool,
    /// The quotes for strings that need some.
    pub(super) quote: Quote,
}

/// How strings are quoted at one place, by its neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quoting {
    /// The quotes of values that need none; absent where they stand bare.
    pub(super) values: Option<Quote>,
    /// The quotes of keys that need none; absent where they stand bare.
    pub(super) keys: Option<Quote>,
    /// The quotes for what needs some.
    pub(super) needed: Quote,
}

impl Style {
    pub(super) fn of(page: Page<'_>) -> Self {
        let nodes = || page.document.nodes.iter();
        let json = is_json(page);
        let padded = |list: bool| {
            let first = nodes().find(|node| match &node.kind {
                NodeKind::Sequence { style: CollectionStyle::Flow, items } => list && !items.is_empty(),
                NodeKind::Mapping { style: CollectionStyle::Flow, entries } => !list && !entries.is_empty(),
                _ => false,
            });
            first.is_some_and(|node| page.text[node.span.start..].starts_with(if list { "[ " } else { "{ " }))
        };
        let root = page.document.root.map(|root| page.node(root).span);
        let colon = nodes().find_map(|node| match &node.kind {
            NodeKind::Mapping { entries, .. } => entries.first().and_then(|entry| entry.colon),
            _ => None,
        });
        let count = |quoted: ScalarStyle| {
            nodes().filter(|node| matches!(node.kind, NodeKind::Scalar { style, .. } if style == quoted)).count()
        };
        let single = count(ScalarStyle::SingleQuoted) > count(ScalarStyle::DoubleQuoted);
        let crlf = page.text.find('\n').is_some_and(|newline| page.text[..newline].ends_with('\r'));
        Self {
            newline: if crlf { "\r\n" } else { "\n" },
            unit: unit(page),
            json,
            compact: json && colon.is_some_and(|colon| !page.text[colon + 1..].starts_with([' ', '\t', '\r', '\n'])),
            pretty: json && root.is_some_and(|root| !page.on_one_line(root.start, root.end)),
            padded_maps: padded(false),
            padded_lists: padded(true),
            quote: if single && !json { Quote::Single } else { Quote::Double },
        }
    }

    /// The quoting of the neighbours: of the members of a collection, and of what is inside of them.
    pub(super) fn quoting(&self, page: Page<'_>, collection: Option<NodeId>) -> Quoting {
        if self.json {
            return Quoting { values: Some(Quote::Double), keys: Some(Quote::Double), needed: Quote::Double };
        }
        let (mut values, mut keys) = (Vec::new(), Vec::new());
        let mut todo: Vec<NodeId> = collection.into_iter().collect();
        let nested = collection.is_some_and(|id| matches!(page.node(id).kind, NodeKind::Sequence { .. }));
        while let Some(id) = todo.pop() {
            if let NodeKind::Mapping { entries, .. } = &page.node(id).kind {
                keys.extend(entries.iter().filter(|entry| is_text(page, entry.key)).map(|entry| entry.key));
            }
            for child in page.children(id) {
                match page.node(child).kind {
                    NodeKind::Scalar { .. } if is_text(page, child) => values.push(child),
                    NodeKind::Mapping { .. } if nested => todo.push(child),
                    _ => {}
                }
            }
        }
        let (values, keys) = (majority(page, &values), majority(page, &keys));
        Quoting { values, keys, needed: values.or(keys).unwrap_or(self.quote) }
    }

    /// How much further a new list is indented than the key that it belongs to: as the nearest list of the document is,
    /// else 0, as `kubectl` and `kustomize` print lists.
    pub(super) fn list_offset(&self, page: Page<'_>, near: usize) -> usize {
        let lists = page.document.nodes.iter().filter_map(|node| match &node.kind {
            NodeKind::Mapping { entries, style: CollectionStyle::Block } => Some(entries),
            _ => None,
        });
        let nearest = lists
            .flatten()
            .filter(|entry| {
                matches!(page.node(entry.value).kind, NodeKind::Sequence { style: CollectionStyle::Block, .. })
            })
            .min_by_key(|entry| page.node(entry.value).span.start.abs_diff(near));
        nearest.map_or(0, |entry| {
            let dash = page.column(page.node(entry.value).span.start);
            dash.saturating_sub(page.column(page.entry(*entry).start))
        })
    }

    /// Tells whether a collection that is new at this place looks better in lines than in brackets: where most of the
    /// document's collections are written so, those of the same kind first.
    pub(super) fn prefers_block(&self, page: Page<'_>, at: NodeId, list: bool) -> bool {
        let count = |style: CollectionStyle, kind: Option<bool>| {
            let ids = (0..page.document.nodes.len()).map(NodeId);
            ids.filter(|id| Some(*id) != page.document.root && *id != at)
                .filter(|id| match &page.node(*id).kind {
                    NodeKind::Mapping { entries, .. } => kind != Some(true) && !entries.is_empty(),
                    NodeKind::Sequence { items, .. } => kind != Some(false) && !items.is_empty(),
                    NodeKind::Scalar { .. } | NodeKind::Alias { .. } => false,
                })
                .filter(|id| collection_style(page.node(*id)) == Some(style))
                .count()
        };
        let of_kind = (count(CollectionStyle::Block, Some(list)), count(CollectionStyle::Flow, Some(list)));
        let (block, flow) = if of_kind == (0, 0) {
            (count(CollectionStyle::Block, None), count(CollectionStyle::Flow, None))
        } else {
            of_kind
        };
        block > 0 && block >= flow
    }
}

/// Tells whether a document is JSON: its root in brackets, all keys and strings in double quotes, no comments. Brackets with
/// nothing in them are how an empty file of values is written.
fn is_json(page: Page<'_>) -> bool {
    let root = page.document.root.map(|root| page.node(root));
    root.and_then(collection_style) == Some(CollectionStyle::Flow)
        && page.document.nodes.len() > 1
        && page.document.comments.is_empty()
        && page.document.nodes.iter().all(|node| match &node.kind {
            NodeKind::Scalar { style: ScalarStyle::DoubleQuoted, .. } => true,
            NodeKind::Scalar { style: ScalarStyle::Plain, text } => {
                serde_json::from_str::<serde_json::Value>(text).is_ok_and(|value| !value.is_string())
            }
            NodeKind::Sequence { style, .. } | NodeKind::Mapping { style, .. } => *style == CollectionStyle::Flow,
            NodeKind::Scalar { .. } | NodeKind::Alias { .. } => false,
        })
        && page.document.nodes.iter().all(|node| match &node.kind {
            NodeKind::Mapping { entries, .. } => entries.iter().all(|entry| {
                matches!(page.node(entry.key).kind, NodeKind::Scalar { style: ScalarStyle::DoubleQuoted, .. })
            }),
            _ => true,
        })
}

/// The most common difference between the columns of a map and of a map inside it, the smaller one of a tie.
fn unit(page: Page<'_>) -> usize {
    let mut counts = [0_usize; 17];
    for node in &page.document.nodes {
        let NodeKind::Mapping { style, entries } = &node.kind else { continue };
        for entry in entries {
            let value = page.node(entry.value);
            let step = match style {
                CollectionStyle::Block => {
                    let nested = matches!(&value.kind, NodeKind::Mapping { style: CollectionStyle::Block, .. });
                    if !nested {
                        continue;
                    }
                    page.column(value.span.start).checked_sub(page.column(page.entry(*entry).start))
                }
                // JSON over several lines: from the closing brace to a key.
                CollectionStyle::Flow => {
                    let start = page.entry(*entry).start;
                    let braces = page.text[..node.span.end].ends_with('}');
                    if !braces || !page.starts_line(start) || !page.starts_line(node.span.end - 1) {
                        continue;
                    }
                    page.column(start).checked_sub(page.column(node.span.end - 1))
                }
            };
            if let Some(count) = step.and_then(|step| counts.get_mut(step)) {
                *count += 1;
            }
        }
    }
    let most = counts[1..].iter().copied().max().filter(|most| *most > 0);
    most.and_then(|most| counts.iter().skip(1).position(|count| *count == most)).map_or(2, |at| at + 1)
}

/// Tells whether a node is a string that could stand bare, so that its quotes are a matter of taste.
fn is_text(page: Page<'_>, id: NodeId) -> bool {
    match &page.node(id).kind {
        NodeKind::Scalar {
            style: ScalarStyle::Plain | ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted,
            text,
        } => is_plain(text, false),
        _ => false,
    }
}

/// The quotes of most of these scalars; nothing where most are bare.
fn majority(page: Page<'_>, ids: &[NodeId]) -> Option<Quote> {
    let count = |quoted: ScalarStyle| {
        ids.iter()
            .filter(|id| matches!(page.node(**id).kind, NodeKind::Scalar { style, .. } if style == quoted))
            .count()
    };
    let (bare, single, double) =
        (count(ScalarStyle::Plain), count(ScalarStyle::SingleQuoted), count(ScalarStyle::DoubleQuoted));
    match (single + double > bare, single > double) {
        (true, true) => Some(Quote::Single),
        (true, false) => Some(Quote::Double),
        (false, _) => None,
    }
}

/// The blanks between a dash and what follows on its line, with the dash; 2 where nothing follows.
pub(super) fn item_step(page: Page<'_>, dash: usize, content: usize) -> usize {
    let between = &page.text[dash + 1..content.max(dash + 1)];
    if is_blank(between) && !between.is_empty() { 1 + between.len() } else { 2 }
}
