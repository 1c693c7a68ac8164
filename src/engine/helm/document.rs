//! What templates print, as documents whose fields know their pieces.
//!
//! Helm cuts a rendered file into documents with a regular expression, before anything reads YAML. The cut is made on the
//! same bytes here, and each part is parsed where it stands, so that every node leads to the pieces of text that printed it.
//! A render after an edit prints nearly everything as before: documents are parsed once for each text.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
    sync::Arc,
};

use serde_json::Value;

use super::template::leaf::Leaf;
use crate::{
    model::pointer::Pointer,
    source::{
        lineage::{
            hash::Seeded,
            sets::{SetId, Sets},
            text::{MadeOf, Slice, Text, TextBuilder},
        },
        span::Span,
        yaml::{
            parse::parse_first,
            resolve::{self, Reader},
            rope::Rope,
            tree::{self, Entry, NodeKind, ScalarStyle},
        },
    },
};

/// How the cluster reads what Helm hands to it. Helm itself reads the same types out of it; only numbers beyond 2^53, which
/// it does not look at, would be others.
const READER: Reader = Reader::Manifest;

/// The most text of parsed documents that is kept, in bytes.
pub const MAX_KEPT: usize = 64 << 20;

/// Documents that were parsed before, by their text.
#[derive(Debug, Default)]
pub struct Parsed {
    documents: HashMap<Box<[u8]>, Arc<Content>, Seeded>,
    kept: usize,
}

/// One document of a rendered file.
#[derive(Clone, Debug)]
pub struct Document {
    /// Where it stands in the file.
    pub range: Range<usize>,
    rope: Rope,
    content: Arc<Content>,
}

/// What a text means.
#[derive(Debug)]
struct Content {
    document: Option<tree::Document>,
    value: Result<Option<Arc<Value>>, Unreadable>,
    /// The keys that one map has twice, of which the last counts.
    repeated: Vec<String>,
}

/// Why a document cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct Unreadable {
    /// The line in the document, from 1.
    pub line: usize,
    /// What is wrong there.
    pub problem: String,
}

/// Where a field of a document is printed.
#[derive(Clone, Debug)]
pub struct Field {
    /// Of a scalar, its text as YAML reads it, with the pieces that say it: byte for byte where quotes, escapes and folds
    /// let them through, derived where they do not. Of a list or map, the bytes that are written.
    pub value: Text,
    /// Where the value is written in the document; for a value that is not written at all, the blanks in its place.
    pub written: Range<usize>,
    /// Where its key is written; absent at the root and for items of lists.
    pub key: Option<Range<usize>>,
    /// All lines of the key and the value, without the last one's break: what decided over any of it decided over the field.
    pub lines: Range<usize>,
    /// Whether the value is written elsewhere in the document, behind an alias or a merge key.
    pub is_elsewhere: bool,
}

/// The documents of a rendered file as Helm cuts them (`releaseutil.SplitManifests`: the regular expression
/// `(?:^|\s*\n)---\s*` on the trimmed text, trimmed parts), in order. A part may be empty, or hold only comments, or even a
/// `---` of its own: after a separator's white space the next one has no line break left to begin with.
pub fn split(file: &[u8]) -> Vec<Range<usize>> {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'\x0c');
    let whole = trimmed(file, 0..file.len());
    let text = &file[whole.clone()];
    let mut parts = Vec::new();
    let (mut begin, mut at) = (0, 0);
    let mut cut = |part: Range<usize>| {
        if !part.is_empty() {
            parts.push(trimmed(file, whole.start + part.start..whole.start + part.end));
        }
    };
    while let Some(dashes) = separator(text, at) {
        let spaces = text[begin..dashes].iter().rev().take_while(|byte| is_space(byte)).count();
        cut(begin..dashes - spaces);
        begin = dashes + 3 + text[dashes + 3..].iter().take_while(|byte| is_space(byte)).count();
        at = begin;
    }
    cut(begin..text.len());
    parts
}

/// The next `---` that stands at the start of the text, or behind a line break that no separator has used up.
fn separator(text: &[u8], from: usize) -> Option<usize> {
    if from == 0 && text.starts_with(b"---") {
        return Some(0);
    }
    let mut at = from;
    while let Some(width) = text[at..].iter().position(|byte| *byte == b'\n') {
        at += width + 1;
        if text[at..].starts_with(b"---") {
            return Some(at);
        }
    }
    None
}

/// A range without white space at its ends: `strings.TrimSpace`.
fn trimmed(file: &[u8], range: Range<usize>) -> Range<usize> {
    let is_space = |byte: &&u8| matches!(byte, b'\t'..=b'\r' | b' ');
    let mut start = range.start + file[range.clone()].iter().take_while(is_space).count();
    let is_plain = file[start..range.end].first().is_none_or(u8::is_ascii);
    let rest = if is_plain { &[][..] } else { &file[start..range.end] };
    for chunk in rest.utf8_chunks() {
        let left = chunk.valid().trim_start();
        start += chunk.valid().len() - left.len();
        if !left.is_empty() || !chunk.invalid().is_empty() {
            break;
        }
    }
    let mut end = range.end - file[start..range.end].iter().rev().take_while(is_space).count();
    while end > start && (!file[end - 1].is_ascii() || is_space(&&file[end - 1])) {
        let tail = (end.saturating_sub(4).max(start)..end)
            .find_map(|from| std::str::from_utf8(&file[from..end]).ok())
            .and_then(|tail| tail.chars().next_back());
        match tail {
            Some(c) if c.is_whitespace() => end -= c.len_utf8(),
            _ => break,
        }
    }
    start..end
}

/// A range with the white space around it.
fn with_space(file: &[u8], range: &Range<usize>) -> Range<usize> {
    let before = file[..range.start].iter().rev().take_while(|byte| byte.is_ascii_whitespace()).count();
    let behind = file[range.end..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    range.start - before..range.end + behind
}

/// Appends what could have been printed in the white space at the ends of a document.
fn push_marks(whole: &Rope, space: Range<usize>, builder: &mut TextBuilder) {
    for slice in whole.slices(space).filter(|slice| slice.range.is_empty()) {
        builder.push_bytes(&[], slice.made_of, slice.control);
    }
}

impl Parsed {
    /// The documents of a rendered file.
    pub fn documents(&mut self, file: &Text) -> Vec<Document> {
        let whole = Rope::new(file.clone());
        split(file.bytes())
            .into_iter()
            .map(|range| {
                // Helm prints a line break behind each part, and only with it a block at the end is what it is in the file.
                let mut builder = TextBuilder::default();
                let around = with_space(file.bytes(), &range);
                push_marks(&whole, around.start..range.start, &mut builder);
                builder.push(&whole.slice(range.clone()));
                push_marks(&whole, range.end..around.end, &mut builder);
                builder.push_bytes(b"\n", MadeOf::NOTHING, SetId::EMPTY);
                let text = builder.build();
                Document { range, content: self.content(text.bytes()), rope: Rope::new(text) }
            })
            .collect()
    }

    fn content(&mut self, text: &[u8]) -> Arc<Content> {
        if let Some(content) = self.documents.get(text) {
            return content.clone();
        }
        let content = Arc::new(Content::read(text));
        if self.kept + text.len() > MAX_KEPT {
            self.documents.clear();
            self.kept = 0;
        }
        self.kept += text.len();
        self.documents.insert(text.into(), content.clone());
        content
    }
}

impl Content {
    fn read(text: &[u8]) -> Self {
        let fail = |line, problem: String| Self {
            document: None,
            value: Err(Unreadable { line, problem }),
            repeated: Vec::new(),
        };
        let text = match std::str::from_utf8(text) {
            Ok(text) => text,
            Err(error) => {
                let line = 1 + text[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
                return fail(line, "the text is not UTF-8".to_owned());
            }
        };
        let stream = match parse_first(text) {
            Ok(stream) => stream,
            Err(error) => return fail(error.line, error.problem.to_string()),
        };
        let Some(document) = stream.documents.into_iter().next() else {
            return Self { document: None, value: Ok(None), repeated: Vec::new() };
        };
        let value =
            document.root.map(|root| resolve::value(&document, root, READER).map(Arc::new)).transpose().map_err(
                |error| Unreadable {
                    line: crate::source::span::line_of(text, error.span.start),
                    problem: error.to_string(),
                },
            );
        let repeated = repeated(&document);
        Self { document: Some(document), value, repeated }
    }
}

impl Document {
    /// The text with the line break that Helm prints behind it.
    pub fn text(&self) -> &Text {
        self.rope.text()
    }

    /// What it holds; nothing where it is empty or only comments.
    ///
    /// # Errors
    /// Where Helm fails to read it as well.
    pub fn value(&self) -> Result<Option<&Arc<Value>>, &Unreadable> {
        self.content.value.as_ref().map(Option::as_ref)
    }

    /// The keys that one map has twice. Helm lets the last one count, so a value that is printed beside another of its name
    /// hides it.
    pub fn repeated(&self) -> &[String] {
        &self.content.repeated
    }

    /// What the text was read as; nothing where it cannot be read.
    pub fn yaml(&self) -> Option<&tree::Document> {
        self.content.document.as_ref()
    }

    /// The pieces of a range of the text.
    pub fn slices(&self, range: Range<usize>) -> impl Iterator<Item = Slice> + '_ {
        self.rope.slices(range)
    }

    /// Finds where a field is printed; nothing where the document has no such field.
    pub fn field(&self, at: &Pointer, sets: &mut Sets<Leaf>) -> Option<Field> {
        let document = self.content.document.as_ref()?;
        let found = resolve::find(document, at, READER)?;
        let node = document.node(found.node);
        let bytes = self.text().bytes();
        let key = found.key.map(|key| document.node(key).span.range());
        let is_empty = node.span.is_empty() && matches!(node.kind, NodeKind::Scalar { .. });
        let (value, written) = if is_empty {
            let start = node.span.start;
            let blanks = bytes[start..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            let flow = self.rope.flow(start..start + blanks, sets);
            let mut builder = TextBuilder::default();
            builder.push_bytes(b"", MadeOf::Derived(flow.data), flow.control);
            (builder.build(), start..start + blanks)
        } else {
            let value = self.rope.scalar(node, sets);
            match node.kind {
                NodeKind::Scalar { style: ScalarStyle::Literal | ScalarStyle::Folded, .. } => {
                    (self.with_ends(&value, node.span), node.span.range())
                }
                _ => (value, node.span.range()),
            }
        };
        let is_elsewhere = !found.via.is_empty();
        let first = key.as_ref().filter(|_| !is_elsewhere).map_or(written.start, |key| key.start.min(written.start));
        let line_start = bytes[..first].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let line_end =
            bytes[written.end..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| written.end + at);
        Some(Field { value, written, key, lines: line_start..line_end, is_elsewhere })
    }
}

impl Document {
    /// The text of a block scalar with what could have been printed before its first line or behind its last one.
    fn with_ends(&self, value: &Text, span: Span) -> Text {
        let bytes = self.text().bytes();
        let header = bytes[span.range()].iter().position(|byte| *byte == b'\n').unwrap_or(span.len());
        let content = bytes[span.range()].trim_ascii_end().len().max(header);
        let around = with_space(bytes, &(span.start..span.end));
        let mut builder = TextBuilder::default();
        push_marks(&self.rope, span.start..span.start + header, &mut builder);
        builder.push(value);
        push_marks(&self.rope, span.start + content + 1..around.end, &mut builder);
        builder.build()
    }
}

/// The most keys of a map that are compared one by one.
const FEW: usize = 16;

fn repeated(document: &tree::Document) -> Vec<String> {
    let (mut repeated, seed) = (Vec::new(), Seeded::default());
    for node in &document.nodes {
        let NodeKind::Mapping { entries, .. } = &node.kind else { continue };
        let mut seen = HashSet::with_hasher(seed.clone());
        for (at, entry) in entries.iter().enumerate() {
            let NodeKind::Scalar { text, .. } = &document.node(entry.key).kind else { continue };
            let is_new = if entries.len() <= FEW {
                let is_text = |before: &Entry| matches!(&document.node(before.key).kind, NodeKind::Scalar { text: other, .. } if other == text);
                !entries[..at].iter().any(is_text)
            } else {
                seen.insert(text)
            };
            if !is_new {
                repeated.push(text.clone());
            }
        }
    }
    repeated
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parts(file: &str) -> Vec<&str> {
        split(file.as_bytes()).into_iter().map(|range| &file[range]).collect()
    }

    /// What helm's `releaseutil.SplitManifests` makes of these texts.
    #[test]
    fn files_are_cut_where_helm_cuts_them() {
        let cases: &[(&str, &[&str])] = &[
            ("", &[]),
            ("\n \n", &[]),
            ("a: 1\n", &["a: 1"]),
            ("---\na: 1\n---\nb: 2\n", &["a: 1", "b: 2"]),
            ("a: 1\n---d: 4", &["a: 1", "d: 4"]),
            ("a: 1\n \t\n---   \n\nb: 2", &["a: 1", "b: 2"]),
            // The separator takes the white space behind it, so the next one has no line break of its own.
            ("---\n\n---   \nb: 2", &["---   \nb: 2"]),
            ("a: 1\n---\n---\nb: 2", &["a: 1", "---\nb: 2"]),
            ("a: 1\n--- # c\nb: 2", &["a: 1", "# c\nb: 2"]),
            ("a: 1\n ---\nb: 2", &["a: 1\n ---\nb: 2"]),
            ("a: |\n  x\n---y", &["a: |\n  x", "y"]),
            ("# only\n---\n# comments", &["# only", "# comments"]),
            ("a: 1\r\n---\r\nb: 2\r\n", &["a: 1", "b: 2"]),
            ("\u{a0}a: 1\n---\n\u{a0}\n---\nb: 2", &["a: 1", "", "b: 2"]),
            ("a: x--- y\n----\nb", &["a: x--- y", "-\nb"]),
        ];
        for (file, expected) in cases {
            assert_eq!(parts(file), *expected, "{file:?}");
        }
    }

    /// A file printed from three leaves, the tag among them twice.
    fn rendered(sets: &mut Sets<Leaf>) -> (Text, [SetId; 3]) {
        let [image, tag, script] = ["image", "tag", "script"].map(|name| sets.leaf(Leaf::BuiltIn(name)));
        let condition = sets.leaf(Leaf::BuiltIn("condition")).into();
        let mut builder = TextBuilder::default();
        let plain = |builder: &mut TextBuilder, text: &str| {
            builder.push_bytes(text.as_bytes(), MadeOf::NOTHING, SetId::EMPTY);
        };
        plain(&mut builder, "---\nkind: X\n---\nimage: \"");
        builder.push(&Text::verbatim(b"acme/cart", image));
        plain(&mut builder, ":");
        builder.push(&Text::verbatim(b"1.4.2", tag));
        plain(&mut builder, "\"\nempty: ");
        builder.push_bytes(b"", MadeOf::Verbatim { leaf: tag, offset: 0 }, condition);
        plain(&mut builder, "\nlist:\n- script: |\n    set -e\n    ");
        builder.push(&Text::verbatim(b"run", script));
        plain(&mut builder, "\n    end\n");
        (builder.build(), [image, tag, script].map(SetId::from))
    }

    #[test]
    fn fields_lead_to_the_pieces_that_print_them() {
        let mut sets = Sets::default();
        let (file, [image, tag, script]) = rendered(&mut sets);
        let documents = Parsed::default().documents(&file);
        assert_eq!(documents.len(), 2);
        let document = &documents[1];
        assert_eq!(
            document.value().expect("is YAML").expect("holds something").as_ref(),
            &json!({"image": "acme/cart:1.4.2", "empty": null, "list": [{"script": "set -e\nrun\nend\n"}]})
        );
        let mut field = |at: &str| document.field(&at.parse().expect("a pointer"), &mut sets).expect(at);

        let found = field("/image");
        assert_eq!(found.value.bytes(), b"acme/cart:1.4.2");
        let made_of: Vec<SetId> = found.value.pieces().iter().map(|piece| piece.made_of.set()).collect();
        assert_eq!(made_of, [image, SetId::EMPTY, tag]);
        assert_eq!(&document.text().bytes()[found.key.expect("a key")], b"image");
        assert_eq!(&document.text().bytes()[found.lines], b"image: \"acme/cart:1.4.2\"");

        let found = field("/empty");
        assert_eq!((found.value.len(), found.value.pieces()[0].made_of.set()), (0, tag));
        assert!(!document.slices(found.lines).all(|slice| slice.control.is_empty()));

        let found = field("/list/0/script");
        assert_eq!(found.value.bytes(), b"set -e\nrun\nend\n");
        let run = found.value.slices(7..10).next().expect("a piece");
        assert_eq!((run.range, run.made_of.set()), (7..10, script));
        assert_eq!(&document.text().bytes()[found.lines], b"- script: |\n    set -e\n    run\n    end");
        assert!(document.field(&Pointer::of(["none"]), &mut sets).is_none());
    }

    #[test]
    fn a_text_is_parsed_once() {
        let mut parsed = Parsed::default();
        let first = parsed.documents(&Text::plain("a: 1\n---\nb: [\n"));
        let second = parsed.documents(&Text::plain("---\na: 1\n"));
        assert!(Arc::ptr_eq(&first[0].content, &second[0].content));
        assert_eq!(first[1].value().expect_err("is no YAML").line, 1);
        assert_eq!((parsed.documents.len(), parsed.kept), (2, 10));
    }
}
