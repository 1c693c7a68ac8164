//! Scalars of a text whose bytes know their origins.
//!
//! A parser answers with decoded text: quotes, escapes, indentation and folds are gone, and with them the way back to the
//! bytes that said it. Here the written form is laid beside the decoded one again, so that a byte inside a quoted or multi-line
//! scalar keeps its origin. Where the two cannot be laid side by side, the text is derived from all bytes of the scalar.

mod trace;

use std::{hash::Hash, ops::Range, rc::Rc};

use super::tree::{Node, NodeKind};
use crate::source::lineage::{
    sets::{Flow, SetId, Sets},
    text::{MadeOf, Slice, Text, TextBuilder},
};

/// A text whose pieces are found by place. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Rope {
    text: Text,
    /// Where each piece begins.
    starts: Rc<[u32]>,
}

impl Rope {
    /// Indexes a text.
    pub fn new(text: Text) -> Self {
        let mut at = 0;
        let starts = text
            .pieces()
            .iter()
            .map(|piece| {
                at += piece.len;
                at - piece.len
            })
            .collect();
        Self { text, starts }
    }

    /// The text.
    pub fn text(&self) -> &Text {
        &self.text
    }

    /// The pieces that touch a range, as [`Text::slices`] gives them.
    pub fn slices(&self, range: Range<usize>) -> impl Iterator<Item = Slice> + '_ {
        // The last piece that begins before the range may reach into it; marks at its first byte begin there.
        let first = self.starts.partition_point(|start| (*start as usize) < range.start).saturating_sub(1);
        let pieces = self.text.pieces()[first..].iter().zip(&self.starts[first..]);
        pieces
            .take_while({
                let end = range.end;
                move |(_, start)| **start as usize <= end
            })
            .filter_map(move |(piece, start)| {
                let (start, end) = (*start as usize, *start as usize + piece.len as usize);
                let touches =
                    if piece.len == 0 { range.start <= start } else { start < range.end && range.start < end };
                let cut = start.max(range.start)..end.min(range.end).max(start.max(range.start));
                let made_of = match piece.made_of {
                    MadeOf::Verbatim { leaf, offset } => {
                        MadeOf::Verbatim { leaf, offset: offset + (cut.start - start) as u32 }
                    }
                    derived @ MadeOf::Derived(_) => derived,
                };
                touches.then_some(Slice { range: cut, made_of, control: piece.control })
            })
    }

    /// The bytes of a range with their pieces. The range must lie in the text.
    pub fn slice(&self, range: Range<usize>) -> Text {
        let mut builder = TextBuilder::default();
        self.push_slice(range, &mut builder);
        builder.build()
    }

    /// All leaves of a range.
    pub fn flow<L: Clone + Eq + Hash>(&self, range: Range<usize>, sets: &mut Sets<L>) -> Flow {
        let slices: Vec<(SetId, SetId)> =
            self.slices(range).map(|slice| (slice.made_of.set(), slice.control)).collect();
        match slices[..] {
            [(data, control)] => Flow { data, control },
            _ => Flow {
                data: sets.union_all(slices.iter().map(|(data, _)| *data)),
                control: sets.union_all(slices.iter().map(|(_, control)| *control)),
            },
        }
    }

    /// The decoded text of a scalar of this text, with the pieces of the bytes that say it. Of other nodes, the bytes.
    pub fn scalar<L: Clone + Eq + Hash>(&self, node: &Node, sets: &mut Sets<L>) -> Text {
        let NodeKind::Scalar { style, text: decoded } = &node.kind else { return self.slice(node.span.range()) };
        let source = self.text.bytes();
        if source.get(node.span.range()) == Some(decoded.as_bytes()) && !decoded.is_empty() {
            return self.slice(node.span.range());
        }
        let mut builder = TextBuilder::default();
        let runs = std::str::from_utf8(source).ok().and_then(|source| trace::runs(source, node.span, *style, decoded));
        match runs {
            Some(runs) if !decoded.is_empty() => {
                for run in runs {
                    if run.verbatim {
                        self.push_slice(run.source, &mut builder);
                    } else {
                        let flow = self.flow(run.source, sets);
                        builder.push_bytes(&decoded.as_bytes()[run.decoded], MadeOf::Derived(flow.data), flow.control);
                    }
                }
            }
            _ => {
                let flow = self.flow(node.span.range(), sets);
                builder.push_bytes(decoded.as_bytes(), MadeOf::Derived(flow.data), flow.control);
            }
        }
        builder.build()
    }

    /// Appends the bytes of a range with their pieces.
    pub fn push_slice(&self, range: Range<usize>, builder: &mut TextBuilder) {
        for slice in self.slices(range) {
            builder.push_bytes(&self.text.bytes()[slice.range], slice.made_of, slice.control);
        }
    }
}
