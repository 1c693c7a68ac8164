//! What a render leaves behind: enough to tell where every byte of its output came from.

use std::cell::RefCell;

use super::{
    sources::{BYTE_ORDER_MARK, Layer, SourceFile},
    template::{
        evaluate::BranchSeen,
        leaf::{FileId, LayerId, Leaf, Paths},
    },
    values::lookup::Layering,
};
use crate::source::{
    lineage::{
        sets::{LeafId, SetId, Sets},
        text::Slice,
    },
    span::Span,
};

/// The origins of a render.
#[derive(Debug)]
pub struct Lineage {
    /// All leaves and sets of them; asking for a field makes sets as well.
    pub sets: RefCell<Sets<Leaf>>,
    /// All paths into values.
    pub paths: Paths,
    /// The conditions that were decided.
    pub branches: Vec<BranchSeen>,
    /// The files, by number.
    pub files: Vec<SourceFile>,
    /// The layers of values, by number.
    pub layers: Vec<Layer>,
    /// The order in which they win.
    pub layering: Layering,
}

impl Lineage {
    /// The leaves of a set; none where it holds too many to list.
    pub fn leaves(&self, set: SetId) -> Vec<Leaf> {
        let sets = self.sets.borrow();
        sets.leaves(set).map(|leaf| sets.get(leaf).clone()).collect()
    }

    /// What a leaf is.
    pub fn leaf(&self, leaf: LeafId) -> Leaf {
        self.sets.borrow().get(leaf).clone()
    }

    /// What a layer is.
    pub fn layer(&self, layer: LayerId) -> &Layer {
        &self.layers[layer.0 as usize]
    }

    /// All layers with their numbers.
    pub fn layers(&self) -> impl Iterator<Item = (LayerId, &Layer)> {
        self.layers.iter().enumerate().map(|(at, layer)| (LayerId(at as u32), layer))
    }

    /// What a file is.
    pub fn file(&self, file: FileId) -> &SourceFile {
        &self.files[file.0 as usize]
    }

    /// The text of a file that was read, where it is text; without a byte order mark, which Helm takes off every file.
    pub fn text_of(&self, file: FileId) -> Option<&str> {
        let content = self.file(file).content()?;
        std::str::from_utf8(&content[self.skipped(file)..]).ok()
    }

    /// The bytes of a file that are these bytes of its text.
    pub fn in_file(&self, file: FileId, span: Span) -> Span {
        let skipped = self.skipped(file);
        Span::new(span.start + skipped, span.end + skipped)
    }

    fn skipped(&self, file: FileId) -> usize {
        let is_marked = self.file(file).content().is_some_and(|content| content.starts_with(BYTE_ORDER_MARK));
        if is_marked { BYTE_ORDER_MARK.len() } else { 0 }
    }

    /// Tells whether a layer is written in a file of the repository, not in an archive or an argument.
    pub fn is_editable(&self, layer: &Layer) -> bool {
        layer.written.as_ref().is_some_and(|written| self.file(written.file).inside.is_none())
    }

    /// What is made anew in every render, among the origins of a part of the output.
    pub fn volatile(&self, slices: &[Slice]) -> Option<&'static str> {
        slices.iter().flat_map(|slice| self.leaves(slice.made_of.set())).find_map(|leaf| match leaf {
            Leaf::Volatile(what) => Some(what),
            _ => None,
        })
    }

    /// The conditions that were not met and whose body has a key of this name.
    pub fn branches_with(&self, key: &str) -> Vec<SetId> {
        let mut found = Vec::new();
        for branch in self.branches.iter().filter(|branch| !branch.taken) {
            let Some(body) = self.text_of(branch.file).and_then(|text| text.get(branch.span.range())) else { continue };
            let has = body.lines().any(|line| column_of(line, key).is_some() || is_printed(line, key));
            if has && !found.contains(&branch.decided_by) {
                found.push(branch.decided_by);
            }
        }
        found
    }

    /// Tells whether a condition that is not met, and that one of these pieces of no text stands under, has an action in its
    /// body that prints a key of this name: a helper that prints nothing leaves only why.
    pub fn might_print(&self, silent: &[SetId], key: &str) -> bool {
        self.branches.iter().filter(|branch| !branch.taken).any(|branch| {
            let body = self.text_of(branch.file).and_then(|text| text.get(branch.span.range())).unwrap_or_default();
            body.lines().any(|line| is_printed(line, key)) && self.is_under(silent, branch.decided_by)
        })
    }

    /// Tells whether one of these pieces stands under a decision.
    pub fn is_under(&self, controls: &[SetId], decided_by: SetId) -> bool {
        let mut sets = self.sets.borrow_mut();
        let mut known = controls.iter().filter(|control| **control != SetId::ANY);
        !decided_by.is_empty() && known.any(|control| sets.union(*control, decided_by) == *control)
    }

    /// Tells whether a condition of a template that is not met has a key of this name in its body, in the column in which the
    /// lines have it: where it is met, the map would have the key twice.
    pub fn would_repeat(&self, file: FileId, key: &str, lines: &str) -> bool {
        let Some(column) = lines.lines().find_map(|line| column_of(line, key)) else { return false };
        self.branches.iter().filter(|branch| !branch.taken && branch.file == file).any(|branch| {
            let body = self.text_of(file).and_then(|text| text.get(branch.span.range())).unwrap_or_default();
            body.lines().any(|line| column_of(line, key) == Some(column))
        })
    }
}

/// Tells whether an action on a line prints a text that begins with a key: `{{ printf "storageClassName: %s" .class }}`.
pub fn is_printed(line: &str, key: &str) -> bool {
    let ends_key = |behind: &str| behind.strip_prefix(':').is_some_and(|rest| rest.starts_with([' ', '"', '`', '\\']));
    let is_key = |at: usize| {
        let before = &line[..at];
        before.contains("{{") && before.ends_with(['"', '`']) && ends_key(&line[at + key.len()..])
    };
    !key.is_empty() && line.match_indices(key).any(|(at, _)| is_key(at))
}

/// The column in which a line begins with a key.
fn column_of(line: &str, key: &str) -> Option<usize> {
    let after = line.trim_start().trim_start_matches("- ");
    let name = after.trim_start_matches(['"', '\'']).strip_prefix(key)?.trim_start_matches(['"', '\'']);
    name.starts_with(':').then(|| line.len() - after.len())
}
