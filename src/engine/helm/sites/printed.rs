//! A resource as it is printed: which bytes of the output hold a field, and what those bytes are made of.

use crate::{
    engine::{
        helm::{
            document::Document,
            lineage::Lineage,
            template::leaf::{FileId, Leaf},
        },
        site::{Found, Site, Wording},
    },
    model::{
        change::{Action, Change},
        pointer::Pointer,
    },
    source::{
        edit::Splice,
        lineage::{
            sets::SetId,
            text::{MadeOf, Slice},
        },
        path::RepoPath,
        span::{Span, line_of},
        yaml::{
            edit,
            resolve::{self, Reader},
            tree::{self, NodeId, NodeKind},
        },
    },
};

/// A document of the output and the resource in it.
pub struct Printed<'r> {
    /// The document.
    pub document: &'r Document,
    /// The resource's place in the document: the root, or an item of a list.
    pub base: &'r Pointer,
}

/// A scalar of the output.
pub struct Scalar {
    /// Its value as text.
    pub text: String,
    /// What it is made of; ranges count in the text.
    pub slices: Vec<Slice>,
}

/// Where the text of a template says a piece, byte for byte.
pub fn said_at(lineage: &Lineage, made_of: MadeOf) -> Option<(FileId, usize)> {
    let MadeOf::Verbatim { leaf, offset } = made_of else { return None };
    match lineage.leaf(leaf) {
        Leaf::File(file) => Some((file, offset as usize)),
        _ => None,
    }
}

/// An edit of the text of a template; nothing for one in an archive.
pub fn text_site(lineage: &Lineage, (file, span): (FileId, Span), before: &str, after: String) -> Option<Site> {
    let source = lineage.file(file);
    source.inside.is_none().then(|| Site {
        file: source.path.clone(),
        label: "text of the template".to_owned(),
        wording: Wording::Text { span: lineage.in_file(file, span), before: before.to_owned(), after },
        also: Vec::new(),
    })
}

impl Printed<'_> {
    /// The scalar at a pointer.
    pub fn scalar(&self, lineage: &Lineage, at: &Pointer) -> Option<Scalar> {
        let is_scalar = matches!(self.yaml()?.node(self.node(at)?).kind, NodeKind::Scalar { .. });
        let field = self.document.field(&self.absolute(at), &mut lineage.sets.borrow_mut()).filter(|_| is_scalar)?;
        let text = field.value.as_str()?.to_owned();
        let slices = field.value.slices(0..field.value.len()).collect();
        Some(Scalar { text, slices })
    }

    /// The pieces of a field's key.
    pub fn key(&self, at: &Pointer) -> Vec<Slice> {
        let (Some(yaml), Some(found)) = (self.yaml(), self.found(at)) else { return Vec::new() };
        found.key.map_or_else(Vec::new, |key| self.document.slices(yaml.node(key).span.range()).collect())
    }

    /// The bytes of a field's value.
    pub fn value_span(&self, at: &Pointer) -> Option<Span> {
        Some(self.yaml()?.node(self.node(at)?).span)
    }

    /// The pieces of a field with everything in it, up to where the next field begins: what could have been printed at its
    /// end counts as well.
    pub fn block(&self, at: &Pointer) -> Vec<Slice> {
        let (Some(yaml), Some(found)) = (self.yaml(), self.found(at)) else { return Vec::new() };
        let span = yaml.node(found.node).span;
        let start = found.key.map_or(span.start, |key| yaml.node(key).span.start);
        let rest = &self.document.text().bytes()[span.end..];
        let gap = rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let bytes = self.document.text().bytes();
        let blank = |slice: &Slice| !slice.range.is_empty() && bytes[slice.range.clone()].trim_ascii().is_empty();
        let slices = self.document.slices(start..span.end + gap);
        // Indentation is made of the whole text that was indented, which says nothing of this field.
        slices.map(|slice| if blank(&slice) { Slice { made_of: MadeOf::NOTHING, ..slice } } else { slice }).collect()
    }

    /// What decided over the places in the own text of a list or map at which nothing was printed.
    pub fn silent(&self, at: &Pointer) -> Vec<SetId> {
        let items: Vec<Span> = self.children(at).iter().filter_map(|item| self.value_span(item)).collect();
        let is_own = |slice: &Slice| {
            let place = slice.range.start;
            slice.range.is_empty() && !items.iter().any(|item| item.start < place && place < item.end)
        };
        self.block(at).iter().filter(|slice| is_own(slice)).map(|slice| slice.control).collect()
    }

    /// The entries of a map or the items of a list.
    pub fn children(&self, at: &Pointer) -> Vec<Pointer> {
        let (Some(yaml), Some(id)) = (self.yaml(), self.node(at)) else { return Vec::new() };
        match &yaml.node(id).kind {
            NodeKind::Mapping { entries, .. } => entries
                .iter()
                .filter_map(|entry| resolve::key_text(yaml, entry.key, Reader::Manifest))
                .map(|key| at.join(key))
                .collect(),
            NodeKind::Sequence { items, .. } => (0..items.len()).map(|index| at.join(index.to_string())).collect(),
            _ => Vec::new(),
        }
    }

    /// Tells whether there is a list at a pointer.
    pub fn is_list(&self, at: &Pointer) -> bool {
        let (Some(yaml), Some(id)) = (self.yaml(), self.node(at)) else { return false };
        matches!(yaml.node(id).kind, NodeKind::Sequence { .. })
    }

    /// The template and line that print the resource's first byte.
    pub fn declared_at(&self, lineage: &Lineage) -> (RepoPath, Option<usize>) {
        let root = self.yaml().and_then(|yaml| yaml.root.map(|root| yaml.node(root).span.start));
        for slice in self.document.slices(root.unwrap_or_default()..self.document.text().len()) {
            if let Some((file, offset)) = said_at(lineage, slice.made_of) {
                let line = lineage.text_of(file).map(|text| line_of(text, offset));
                return (lineage.file(file).path.clone(), line);
            }
        }
        (RepoPath::root(), None)
    }

    /// Words a step as an edit of the printed text, and makes that edit where the template has the same bytes.
    pub(super) fn literal(&self, lineage: &Lineage, step: &Change, found: &mut Found) {
        let Some(text) = self.document.text().as_str() else { return };
        let at = self.absolute(&step.at);
        let action = match &step.action {
            Action::Set(value) => edit::Change::Set(value.clone()),
            Action::AddKey { key, value } => edit::Change::InsertKey { key: key.clone(), value: value.clone() },
            Action::AddItem { index, value } => edit::Change::InsertItem { index: *index, value: value.clone() },
            Action::Remove => edit::Change::Remove,
        };
        let Ok(splice) = edit::edit(text, 0, &at, &action, Reader::Manifest) else { return };
        if splice.text.contains("{{") {
            return;
        }
        if matches!(&step.action, Action::AddKey { key, .. } if lineage.might_print(&self.silent(&step.at), key)) {
            // Once what the helper looks at is set, the map would have the key twice.
            return;
        }
        let mut spans = self.template_spans(lineage, splice.span);
        if step.action == Action::Remove {
            spans.extend(self.template_lines(lineage, &step.at));
        }
        for (file, span) in spans {
            let Some(before) = lineage.text_of(file).and_then(|text| text.get(span.range())) else { continue };
            let moved = span.is_empty().then(|| self.indented_as(lineage, file, &splice)).flatten();
            let texts = [Some((before, splice.text.clone())), moved.map(|after| ("", after))];
            let repeats = |after: &str| matches!(&step.action, Action::AddKey { key, .. } if lineage.would_repeat(file, key, after));
            let texts = texts.into_iter().flatten().filter(|(_, after)| !repeats(after));
            found.add(texts.filter_map(|(before, after)| text_site(lineage, (file, span), before, after)));
        }
    }

    /// Lines that are put in, moved to the column in which the template has the line above them: `nindent` moves what a
    /// template prints. Nothing where both stand in the same column.
    fn indented_as(&self, lineage: &Lineage, file: FileId, splice: &Splice) -> Option<String> {
        let bytes = self.document.text().bytes();
        let above = bytes[..splice.span.start].trim_ascii_end();
        let line = above.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let printed = above[line..].iter().take_while(|byte| **byte == b' ').count();
        let slice = self.document.slices(line + printed..line + printed + 1).find(|slice| !slice.range.is_empty())?;
        let MadeOf::Verbatim { leaf, offset } = slice.made_of else { return None };
        let before =
            lineage.text_of(file).filter(|_| lineage.leaf(leaf) == Leaf::File(file))?.get(..offset as usize)?;
        let written = before.len() - before.rfind('\n').map_or(0, |at| at + 1);
        if written >= printed {
            return None;
        }
        let spaces = " ".repeat(printed - written);
        let moved = splice.text.split_inclusive('\n').map(|line| line.strip_prefix(&spaces).unwrap_or(line));
        Some(moved.collect())
    }

    /// The lines of a template that print a field, whole: from the line of its key, or of its first byte, through that of its
    /// last.
    pub(super) fn template_lines(&self, lineage: &Lineage, at: &Pointer) -> Option<(FileId, Span)> {
        let (yaml, found) = (self.yaml()?, self.found(at)?);
        let value = yaml.node(found.node).span;
        let start = found.key.map_or(value.start, |key| yaml.node(key).span.start);
        let places = self.document.slices(start..value.end.max(start + 1)).filter_map(|slice| {
            said_at(lineage, slice.made_of).map(|(file, offset)| (file, offset, offset + slice.range.len()))
        });
        let places: Vec<_> = places.collect();
        let (file, from, _) = *places.first()?;
        let to = places.iter().filter(|(other, _, _)| *other == file).map(|(_, _, end)| *end).max()?;
        let text = lineage.text_of(file)?;
        let from = text.get(..from)?.rfind('\n').map_or(0, |at| at + 1);
        let to = text.get(to.checked_sub(1)?..)?.find('\n').map_or(text.len(), |at| to + at);
        (from < to).then(|| (file, Span::new(from, to)))
    }

    /// The bytes of templates that print a range: one run of one file, whatever actions stand in between.
    pub(super) fn template_spans(&self, lineage: &Lineage, span: Span) -> Vec<(FileId, Span)> {
        let place = |slice: &Slice| {
            said_at(lineage, slice.made_of).map(|(file, offset)| (file, offset, offset + slice.range.len()))
        };
        if span.is_empty() {
            let around = span.start.saturating_sub(1)..(span.start + 1).min(self.document.text().len());
            let slices: Vec<Slice> = self.document.slices(around).filter(|slice| !slice.range.is_empty()).collect();
            let ends = slices.iter().filter(|slice| {
                slice.range.end == span.start || slice.range.start < span.start && slice.range.end > span.start
            });
            let mut spans: Vec<(FileId, Span)> = ends
                .filter_map(|slice| {
                    place(slice).map(|(file, from, _)| (file, Span::empty(from + span.start - slice.range.start)))
                })
                .collect();
            spans.extend(
                slices
                    .iter()
                    .filter(|slice| slice.range.start == span.start)
                    .filter_map(|slice| place(slice).map(|(file, from, _)| (file, Span::empty(from)))),
            );
            return spans;
        }
        let slices: Vec<Slice> = self.document.slices(span.range()).filter(|slice| !slice.range.is_empty()).collect();
        let (Some(first), Some(last)) = (slices.first().and_then(place), slices.last().and_then(place)) else {
            return Vec::new();
        };
        if first.0 == last.0 && first.1 <= last.2 { vec![(first.0, Span::new(first.1, last.2))] } else { Vec::new() }
    }

    pub(super) fn absolute(&self, at: &Pointer) -> Pointer {
        Pointer::of(self.base.tokens().iter().chain(at.tokens()).cloned())
    }

    pub(super) fn yaml(&self) -> Option<&tree::Document> {
        self.document.yaml()
    }

    pub(super) fn found(&self, at: &Pointer) -> Option<resolve::Found> {
        resolve::find(self.yaml()?, &self.absolute(at), Reader::Manifest)
    }

    fn node(&self, at: &Pointer) -> Option<NodeId> {
        self.found(at).map(|found| found.node)
    }
}
