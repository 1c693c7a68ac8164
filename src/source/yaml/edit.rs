//! Words an edit of a YAML file as one splice on its bytes.
//!
//! Existing tools print the file anew, drop comments, write `yes` where the string "yes" is meant, or change every user of
//! an anchor at once. Here the parser only locates: what is not named by the change keeps its bytes, and what is new looks
//! like its neighbours (indentation, lists under their key or further right, quotes, brackets, line breaks).
//!
//! Wording is a matter of taste and has many cases; being right must not depend on them. So every splice is tried before
//! it leaves: the new text is read again, and unless the document is then exactly the wanted value and all other documents
//! are untouched, the next, plainer wording is tried, and at last the edit is refused.

mod collection;
mod insert;
mod outcome;
mod page;
mod remove;
mod replace;
mod scalar;
mod set;
mod site;
mod style;

use std::sync::Arc;

use serde_json::Value;

use self::{
    collection::Care,
    outcome::Outcome,
    page::Page,
    replace::Tag,
    set::Layout,
    site::{Place, Site},
    style::Style,
};
use super::{
    parse::{ParseError, parse},
    resolve::{Reader, Unresolvable, find},
    tree::{NodeId, NodeKind, Stream},
};
use crate::{
    model::pointer::Pointer,
    source::{
        edit::Splice,
        span::{Span, line_of},
    },
};

/// A change to one document; a pointer beside it says where.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// The value there becomes this one. A scalar keeps its quotes or block where these can hold the new value; lists and
    /// maps are replaced as a whole. A key that comes from a `<<` is written next to the `<<`, which overrides it here only.
    Set(Value),
    /// The map there gets a key that it does not have yet. An empty value counts as an empty map.
    InsertKey {
        /// The key.
        key: String,
        /// Its value.
        value: Value,
    },
    /// The list there gets an item before the one with this index, or at its end. An empty value counts as an empty list.
    InsertItem {
        /// The index that the item will have; at most the list's length.
        index: usize,
        /// The item.
        value: Value,
    },
    /// The key or item there goes, with the comments that belong to it: the one on its line, those on the lines directly
    /// above in the same column (not above the first key or item, where they may describe all of them, and not across an
    /// empty line), and those directly below that stand further to the right. The last key leaves `{}`, the last item
    /// `[]`, and takes the comments above it along.
    Remove,
}

/// Why an edit is not made.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
pub enum EditError {
    /// The file is no YAML that Go reads; a template, for example.
    #[error("the file cannot be read as YAML: {0}")]
    Unparsed(#[from] ParseError),
    /// A line ends with a lone carriage return or with U+0085, U+2028 or U+2029, which YAML 1.1 takes for line breaks and
    /// nothing that shows or compares files does: what is a line would depend on who looks.
    #[error("line {line}: a line ends with something else than a line feed; replace U+{:04X}", u32::from(*.found))]
    OddLineBreak {
        /// The line.
        line: usize,
        /// The character.
        found: char,
    },
    /// The document has no value that the reader accepts: duplicate keys, or what JSON cannot say.
    #[error("line {line}: the document cannot be read: {problem}")]
    Unreadable {
        /// The line.
        line: usize,
        /// What is wrong there.
        problem: Unresolvable,
    },
    /// The file has fewer documents.
    #[error("the file has {count} documents, so there is none with index {index}")]
    NoDocument {
        /// The index asked for, from 0.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// Nothing is written at the pointer.
    #[error("line {line}: there is no {at} in the document")]
    NotFound {
        /// The pointer.
        at: Pointer,
        /// The line of the last value on the way that exists.
        line: usize,
    },
    /// A key is to be added that the map has already.
    #[error("line {line}: the map has the key {key:?} already")]
    KeyExists {
        /// The key.
        key: String,
        /// The line of the map.
        line: usize,
    },
    /// The value at the pointer is not of the kind that the change needs.
    #[error("line {line}: {at} is {found}, where {wanted} is needed")]
    WrongKind {
        /// The pointer.
        at: Pointer,
        /// The line of the value.
        line: usize,
        /// What it is.
        found: &'static str,
        /// What the change needs.
        wanted: &'static str,
    },
    /// The change would also change what an anchor, an alias or a merge key shares with other places.
    #[error("line {line}: the value is shared through {how} ({name}); the change would reach its other users")]
    Aliased {
        /// The line of the anchor, alias or merge key.
        line: usize,
        /// Its name with `&` or `*`, or `<<`.
        name: String,
        /// What shares it.
        how: &'static str,
    },
    /// No wording reads back as exactly the wanted value.
    #[error("line {line}: the change cannot be written here as one exact edit")]
    NotExpressible {
        /// The line of the place.
        line: usize,
    },
}

/// A file on its way to new text: edit after edit, each made on what those before it left.
#[derive(Clone, Debug)]
pub struct Draft {
    text: String,
    /// What the text was last read as; absent before it is first needed.
    stream: Option<Arc<Stream>>,
    /// The splices that were made, each in the text that those before it left.
    splices: Vec<Splice>,
}

impl Draft {
    /// A file as it stands, with what it was parsed to, where that is known.
    pub fn new(text: String, stream: Option<Arc<Stream>>) -> Self {
        Self { text, stream, splices: Vec::new() }
    }

    /// The text as it is now.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text as it is now, where nothing is left to edit.
    pub fn into_text(self) -> String {
        self.text
    }

    /// Makes a change at the pointer `at` of the document with the index `document` (from 0, empty ones counted) and tells
    /// the splice that it is; an empty one where the value is the wanted one already. Pointers go by the keys that `reader`
    /// sees; a key of a merge counts as the map's own.
    ///
    /// # Errors
    /// Why the change is not made; the text is then as it was.
    pub fn edit(
        &mut self,
        document: usize,
        at: &Pointer,
        change: &Change,
        reader: Reader,
    ) -> Result<Splice, EditError> {
        if let Some((at, found)) = odd_line_break(&self.text) {
            return Err(EditError::OddLineBreak { line: line_of(&self.text, at), found });
        }
        let stream = self.stream()?;
        let (splice, after) = word(&stream, &self.text, document, at, change, reader)?;
        if let Some(Outcome { text, stream }) = after {
            (self.text, self.stream) = (text, Some(Arc::new(stream)));
            self.splices.push(splice.clone());
        }
        Ok(splice)
    }

    /// What the scalar at a pointer says as the text is now, quotes, escapes and indentation undone.
    ///
    /// # Errors
    /// Where there is none.
    pub fn scalar(&mut self, document: usize, at: &Pointer, reader: Reader) -> Result<String, EditError> {
        let stream = self.stream()?;
        let count = stream.documents.len();
        let found = stream.documents.get(document).ok_or(EditError::NoDocument { index: document, count })?;
        let line = line_of(&self.text, found.span.start);
        let node = find(found, at, reader).ok_or_else(|| EditError::NotFound { at: at.clone(), line })?.node;
        let node = found.node(node);
        let kind = match &node.kind {
            NodeKind::Scalar { text, .. } => return Ok(text.clone()),
            NodeKind::Mapping { .. } => "a map",
            NodeKind::Sequence { .. } | NodeKind::Alias { .. } => "a list",
        };
        let line = line_of(&self.text, node.span.start);
        Err(EditError::WrongKind { at: at.clone(), line, found: kind, wanted: "a text" })
    }

    /// Where bytes of the file as it stood at first are now; nothing where an edit took some of them and not all.
    pub fn place(&self, span: Span) -> Option<Span> {
        self.splices.iter().try_fold(span, |span, splice| {
            let (from, len) = (splice.span, splice.text.len());
            let moved = |at: usize| at + len - from.len();
            if from.end <= span.start && from != span {
                Some(Span::new(moved(span.start), moved(span.end)))
            } else if span.end <= from.start && from != span {
                Some(span)
            } else if span.start <= from.start && from.end <= span.end {
                Some(Span::new(span.start, moved(span.end)))
            } else {
                None
            }
        })
    }

    /// Makes splices of the text as it is now, sorted and apart, and tells the one that covers all of them.
    pub fn splice(&mut self, splices: &[Splice]) -> Splice {
        let (Some(first), Some(last)) = (splices.first(), splices.last()) else {
            return Splice::new(Span::empty(0), "");
        };
        let covered = Span::new(first.span.start, last.span.end);
        let mut text = String::new();
        let mut at = covered.start;
        for splice in splices {
            text += &self.text[at..splice.span.start];
            text += &splice.text;
            at = splice.span.end;
        }
        // From the last to the first, so that each is a splice of what those before it left.
        self.splices.extend(splices.iter().rev().cloned());
        let splice = Splice::new(covered, text);
        (self.text, self.stream) = (splice.apply(&self.text), None);
        splice
    }

    fn stream(&mut self) -> Result<Arc<Stream>, EditError> {
        Ok(match &self.stream {
            Some(stream) => stream.clone(),
            None => self.stream.insert(Arc::new(parse(&self.text)?)).clone(),
        })
    }

    /// Replaces bytes of the file as it stood at first, `before`, and tells the splice that it is in the text as it is now; an
    /// empty one where another edit has made just this change. Nothing happens, and nothing is told, where another edit
    /// touched those bytes.
    pub fn replace(&mut self, span: Span, before: &str, after: &str) -> Option<Splice> {
        let mut span = span;
        for earlier in &self.splices {
            let (from, to) = (earlier.span, earlier.text.len());
            if span == from && earlier.text == after && !span.is_empty() {
                return Some(Splice::new(Span::empty(from.start), ""));
            }
            if from.end <= span.start && !(from.is_empty() && from.start == span.start) {
                span = Span::new(span.start + to - from.len(), span.end + to - from.len());
            } else if from.start < span.end || from.start == span.start {
                return None;
            }
        }
        if self.text.get(span.range()) != Some(before) {
            return None;
        }
        let splice = Splice::new(span, after);
        (self.text, self.stream) = (splice.apply(&self.text), None);
        self.splices.push(splice.clone());
        Some(splice)
    }
}

/// Words one change as one splice, as [`Draft::edit`] does.
///
/// # Errors
/// Why the change is not made.
pub fn edit(text: &str, document: usize, at: &Pointer, change: &Change, reader: Reader) -> Result<Splice, EditError> {
    Draft::new(text.to_owned(), None).edit(document, at, change, reader)
}

/// The splice, and what it comes to where it changes anything.
fn word(
    stream: &Stream,
    text: &str,
    document: usize,
    at: &Pointer,
    change: &Change,
    reader: Reader,
) -> Result<(Splice, Option<Outcome>), EditError> {
    let count = stream.documents.len();
    let found = stream.documents.get(document).ok_or(EditError::NoDocument { index: document, count })?;
    let page = Page { text, document: found };
    let old = outcome::read(found, reader)
        .map_err(|error| EditError::Unreadable { line: page.line(error.span.start), problem: error.problem })?;
    let style = Style::of(page);
    let Some(root) = found.root else {
        let line = page.line(found.span.start);
        let wanted = outcome::wanted(old, at, change, line)?;
        let mut splices = CARES.into_iter().map(|care| insert::insert_root(page, &style, &wanted, care));
        let exact = splices.find_map(|splice| outcome::exact(stream, text, document, &wanted, splice, reader));
        return exact.map(|(splice, after)| (splice, Some(after))).ok_or(EditError::NotExpressible { line });
    };
    let place = site::locate(page, root, at, reader)?;
    let start = page.outer(place.site().node).start;
    if outcome::says_already(&old, at, change) {
        return Ok((Splice::new(Span::empty(start), ""), None));
    }
    let wanted = outcome::wanted(old, at, change, page.line(start))?;
    let exact = |splice| outcome::exact(stream, text, document, &wanted, splice, reader);
    let splices = || wordings(page, &style, root, &place, at, change, reader);
    let found = match splices()?.find_map(exact) {
        None => splices()?.filter_map(|splice| insert::behind_open_block(page, &splice)).find_map(exact),
        found => found,
    };
    found.map(|(splice, after)| (splice, Some(after))).ok_or_else(|| {
        shared(page, place.site(), reader).unwrap_or(EditError::NotExpressible { line: page.line(start) })
    })
}

/// The ways to word a value, the plainest last.
const CARES: [Care; 3] = [Care::Natural, Care::NoBlockScalars, Care::Quoted];

/// The first line break that is neither a line feed nor a carriage return with one.
fn odd_line_break(text: &str) -> Option<(usize, char)> {
    let breaks = text.match_indices(['\r', '\u{85}', '\u{2028}', '\u{2029}']);
    let mut odd = breaks.filter(|(at, found)| *found != "\r" || !text[at + 1..].starts_with('\n'));
    odd.next().and_then(|(at, found)| Some((at, found.chars().next()?)))
}

/// The splices that may make a change, the best one first, each worded when it is asked for.
fn wordings<'p>(
    page: Page<'p>,
    style: &'p Style,
    root: NodeId,
    place: &'p Place,
    at: &Pointer,
    change: &'p Change,
    reader: Reader,
) -> Result<Box<dyn Iterator<Item = Splice> + 'p>, EditError> {
    let site = match (place, change) {
        (Place::Written(site), _) => site,
        (Place::Inherited { map, merge, key }, Change::Set(value)) => {
            let insert = move |care| insert::insert_key(page, style, map, key, value, Some(*merge), care);
            return Ok(Box::new(CARES.into_iter().map(insert)));
        }
        (Place::Inherited { map, .. }, _) => return Err(site::aliased(page, map.node, "a merge key")),
    };
    if !matches!(change, Change::Set(_) | Change::Remove) && matches!(page.node(site.node).kind, NodeKind::Alias { .. })
    {
        return Err(site::aliased(page, site.node, "an alias"));
    }
    Ok(match change {
        Change::Set(value) => {
            let node = page.node(site.node);
            let tags = match node.tag() {
                None => &[Tag::Keep][..],
                // Go passes over `!!str` before a list, people and other readers do not.
                Some(_) if !is_like(&node.kind, value) => &[Tag::Drop],
                Some(_) => &[Tag::Keep, Tag::Drop],
            };
            let set = move |(tag, care)| set::set(page, style, site, value, Layout::AsBefore, tag, care);
            Box::new(tags.iter().flat_map(|tag| CARES.map(|care| (*tag, care))).map(set))
        }
        Change::InsertKey { key, value } => {
            Box::new(CARES.into_iter().map(move |care| insert::insert_key(page, style, site, key, value, None, care)))
        }
        Change::InsertItem { index, value } => {
            Box::new(CARES.into_iter().map(move |care| insert::insert_item(page, style, site, *index, value, care)))
        }
        Change::Remove => match at.parent() {
            Some(parent) => match site::locate(page, root, &parent, reader)? {
                Place::Written(around) => Box::new(remove::remove(page, style, site, &around).into_iter()),
                Place::Inherited { map, .. } => return Err(site::aliased(page, map.node, "a merge key")),
            },
            None => Box::new(std::iter::empty()),
        },
    })
}

/// Tells whether a value is a list, a map or neither, as what is written.
fn is_like(kind: &NodeKind, value: &Value) -> bool {
    match kind {
        NodeKind::Sequence { .. } => value.is_array(),
        NodeKind::Mapping { .. } => value.is_object(),
        _ => !value.is_array() && !value.is_object(),
    }
}

/// The anchor, alias or merge key that explains why a change at a site reaches further than it should.
fn shared(page: Page<'_>, site: &Site, reader: Reader) -> Option<EditError> {
    let used = |id: NodeId| {
        page.document.nodes.iter().any(|node| matches!(node.kind, NodeKind::Alias { target, .. } if target == id))
    };
    let span = page.outer(site.node);
    let ids = || (0..page.document.nodes.len()).map(NodeId);
    let inside = ids().filter(|id| {
        let node = page.node(*id).span;
        node.start >= span.start && node.end <= span.end
    });
    let anchor = site.around.iter().copied().chain(inside).find(|id| page.node(*id).anchor().is_some() && used(*id));
    let merge = || {
        let collection = site.collection()?;
        let NodeKind::Mapping { entries, .. } = &page.node(collection).kind else { return None };
        entries.iter().find(|entry| site::is_merge(page, **entry, reader)).map(|entry| entry.value)
    };
    anchor
        .map(|id| site::aliased(page, id, "an anchor"))
        .or_else(|| merge().map(|id| site::aliased(page, id, "a merge key")))
}
