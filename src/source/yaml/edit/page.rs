//! Where things are on the page: lines, columns, and which comment belongs to what.
//!
//! A comment belongs to a node where it
//! - follows on the node's own (last) line,
//! - stands alone on lines directly above, in the node's own column, with no blank line between, unless the node is the
//!   first of its collection: there it may describe the whole, or
//! - stands alone on lines directly below, further to the right than the node: a commented-out part of it.

use crate::source::{
    span::{Span, line_of},
    yaml::tree::{CollectionStyle, Document, Entry, Item, Node, NodeId, NodeKind, ScalarStyle},
};

/// The text of a file and one of its documents.
#[derive(Clone, Copy)]
pub(super) struct Page<'t> {
    pub(super) text: &'t str,
    pub(super) document: &'t Document,
}

impl<'t> Page<'t> {
    pub(super) fn node(self, id: NodeId) -> &'t Node {
        self.document.node(id)
    }

    pub(super) fn slice(self, start: usize, end: usize) -> &'t str {
        &self.text[start..end]
    }

    /// The line of a byte, from 1.
    pub(super) fn line(self, at: usize) -> usize {
        line_of(self.text, at)
    }

    /// The first byte of the line, behind a byte order mark.
    pub(super) fn line_start(self, at: usize) -> usize {
        match self.text[..at].rfind('\n') {
            Some(newline) => newline + 1,
            None if self.text.starts_with('\u{feff}') => at.min('\u{feff}'.len_utf8()),
            None => 0,
        }
    }

    /// The start of the line above one that starts at `line_start`.
    pub(super) fn line_above(self, line_start: usize) -> Option<usize> {
        let before = self.text[..line_start].strip_suffix('\n')?;
        Some(self.line_start(before.len()))
    }

    /// The end of the line, before its break.
    pub(super) fn line_end(self, at: usize) -> usize {
        let end = self.text[at..].find('\n').map_or(self.text.len(), |newline| at + newline);
        if end > at && self.text[..end].ends_with('\r') { end - 1 } else { end }
    }

    /// The first byte of the next line, or the end of the text.
    pub(super) fn next_line(self, at: usize) -> usize {
        self.text[at..].find('\n').map_or(self.text.len(), |newline| at + newline + 1)
    }

    /// The characters before a byte on its line.
    pub(super) fn column(self, at: usize) -> usize {
        self.text[self.line_start(at)..at].chars().count()
    }

    /// Tells whether only blanks stand before a byte on its line.
    pub(super) fn starts_line(self, at: usize) -> bool {
        let before = self.text[..at].trim_end_matches([' ', '\t']);
        before.is_empty() || before.ends_with('\n') || before == "\u{feff}"
    }

    /// Tells whether two bytes are on one line.
    pub(super) fn on_one_line(self, start: usize, end: usize) -> bool {
        !self.text[start..end].contains('\n')
    }

    /// The comment that follows a byte on its line with only blanks between.
    pub(super) fn comment_after(self, at: usize) -> Option<Span> {
        let comments = &self.document.comments;
        let next = comments[comments.partition_point(|comment| comment.start < at)..].first()?;
        is_blank(&self.text[at..next.start]).then_some(*next)
    }

    /// The end of what belongs to content that ends here: through the comment on the line, if any.
    pub(super) fn with_comment(self, end: usize) -> usize {
        self.comment_after(end).map_or(end, |comment| comment.end)
    }

    /// The end of what belongs to content that ends here and begins in `column`: through the comment on its line and the
    /// comment lines below that stand further to the right. If nothing else is on the line, blanks at its end count in.
    pub(super) fn tail(self, end: usize, column: usize) -> usize {
        let mut tail = self.with_comment(end);
        if is_blank(&self.text[tail..self.line_end(tail)]) {
            tail = self.line_end(tail);
        }
        loop {
            let next = self.next_line(tail);
            match self.comment_line(next) {
                Some(comment) if next > tail && self.column(comment.start) > column => {
                    tail = self.line_end(comment.end)
                }
                _ => return tail,
            }
        }
    }

    /// The start of the comment lines directly above a line that stand in its column; the line itself if there are none.
    pub(super) fn lead(self, line_start: usize, column: usize) -> usize {
        let mut lead = line_start;
        while let Some(above) = self.line_above(lead).filter(|above| *above >= self.document.span.start) {
            match self.comment_line(above) {
                Some(comment) if self.column(comment.start) == column => lead = above,
                _ => break,
            }
        }
        lead
    }

    /// The comment of a line that holds nothing else.
    fn comment_line(self, line_start: usize) -> Option<Span> {
        self.comment_after(line_start)
    }

    /// The bytes of a node with its anchor and tag.
    pub(super) fn outer(self, id: NodeId) -> Span {
        let node = self.node(id);
        [node.anchor(), node.tag()]
            .into_iter()
            .flatten()
            .fold(node.span, |outer, span| Span::new(outer.start.min(span.start), outer.end.max(span.end)))
    }

    /// The end of a node's anchor and tag, where it has any.
    pub(super) fn properties_end(self, id: NodeId) -> Option<usize> {
        let node = self.node(id);
        node.anchor().max(node.tag()).map(|span| span.end)
    }

    pub(super) fn entry(self, entry: Entry) -> Span {
        let (key, value) = (self.outer(entry.key), self.outer(entry.value));
        let start = entry.question.unwrap_or(key.start).min(key.start);
        Span::new(start, value.end.max(key.end).max(entry.colon.map_or(0, |colon| colon + 1)))
    }

    pub(super) fn item(self, item: Item) -> Span {
        let node = self.outer(item.node);
        match item.dash {
            Some(dash) => Span::new(dash, node.end.max(dash + 1)),
            None => node,
        }
    }

    /// The bytes of each entry or item of a collection; nothing for other nodes.
    pub(super) fn members(self, id: NodeId) -> Vec<Span> {
        match &self.node(id).kind {
            NodeKind::Mapping { entries, .. } => entries.iter().map(|entry| self.entry(*entry)).collect(),
            NodeKind::Sequence { items, .. } => items.iter().map(|item| self.item(*item)).collect(),
            NodeKind::Scalar { .. } | NodeKind::Alias { .. } => Vec::new(),
        }
    }

    /// The values of a collection.
    pub(super) fn children(self, id: NodeId) -> Vec<NodeId> {
        match &self.node(id).kind {
            NodeKind::Mapping { entries, .. } => entries.iter().map(|entry| entry.value).collect(),
            NodeKind::Sequence { items, .. } => items.iter().map(|item| item.node).collect(),
            NodeKind::Scalar { .. } | NodeKind::Alias { .. } => Vec::new(),
        }
    }

    pub(super) fn is_block_collection(self, id: NodeId) -> bool {
        collection_style(self.node(id)) == Some(CollectionStyle::Block)
    }

    pub(super) fn is_block_scalar(self, id: NodeId) -> bool {
        matches!(self.node(id).kind, NodeKind::Scalar { style: ScalarStyle::Literal | ScalarStyle::Folded, .. })
    }
}

/// How a collection is written; nothing for other nodes.
pub(super) fn collection_style(node: &Node) -> Option<CollectionStyle> {
    match node.kind {
        NodeKind::Mapping { style, .. } | NodeKind::Sequence { style, .. } => Some(style),
        NodeKind::Scalar { .. } | NodeKind::Alias { .. } => None,
    }
}

/// Tells whether a text is spaces and tabs alone.
pub(super) fn is_blank(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' ' | b'\t'))
}
