//! Text in which every byte knows where it comes from.
//!
//! A text is one run of bytes beside a list of pieces that tile it. Bytes rather than characters, since Go's strings are
//! bytes and its functions cut them anywhere. A piece of no length marks a place at which something printed nothing.

pub mod cursor;

use std::{ops::Range, rc::Rc};

use super::sets::{LeafId, SetId};

/// Bytes and their pieces. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Text {
    bytes: Rc<[u8]>,
    pieces: Pieces,
}

/// The pieces of a text: most have one, which needs no memory of its own.
#[derive(Clone, Debug, Default)]
enum Pieces {
    #[default]
    None,
    One(Piece),
    Many(Rc<[Piece]>),
}

/// A run of bytes of one origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The number of bytes.
    pub len: u32,
    /// What the bytes are made of.
    pub made_of: MadeOf,
    /// What decided that they are there.
    pub control: SetId,
}

/// What bytes are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MadeOf {
    /// They are bytes of a leaf as they stand there: a change of those bytes is a change of these.
    Verbatim {
        /// The leaf.
        leaf: LeafId,
        /// The first byte's place in the leaf's content.
        offset: u32,
    },
    /// They were computed from these leaves: empty where the program itself made them.
    Derived(SetId),
}

/// Bytes of a text with one origin, in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    /// Where in the text.
    pub range: Range<usize>,
    /// What the bytes are made of, `offset` moved to the slice's first byte.
    pub made_of: MadeOf,
    /// What decided that they are there.
    pub control: SetId,
}

/// A place in a text that only moves forward, so that taking a text apart costs one walk over its pieces.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    text: &'a Text,
    at: usize,
    piece: usize,
    start: usize,
}

/// A text in the making.
#[derive(Clone, Debug, Default)]
pub struct TextBuilder {
    bytes: Vec<u8>,
    pieces: Vec<Piece>,
    /// Where the innermost text begins: its first byte and its first piece.
    begin: (usize, usize),
}

/// A text that is interrupted by one within it.
#[derive(Debug)]
pub struct Outer((usize, usize));

impl MadeOf {
    /// Made by the program itself.
    pub const NOTHING: Self = Self::Derived(SetId::EMPTY);

    /// The leaves, as a set.
    pub fn set(self) -> SetId {
        match self {
            Self::Verbatim { leaf, .. } => leaf.into(),
            Self::Derived(set) => set,
        }
    }

    /// What the bytes are made of that follow so many others.
    fn after(self, bytes: usize) -> Self {
        match self {
            Self::Verbatim { leaf, offset } => Self::Verbatim { leaf, offset: offset + bytes as u32 },
            derived @ Self::Derived(_) => derived,
        }
    }
}

impl Piece {
    /// Tells whether it neither has bytes nor leads anywhere.
    fn says_nothing(&self) -> bool {
        self.len == 0 && self.made_of == MadeOf::NOTHING && self.control.is_empty()
    }
}

impl Pieces {
    fn of(pieces: &[Piece]) -> Self {
        match *pieces {
            [] => Self::None,
            [one] => Self::One(one),
            _ => Self::Many(pieces.into()),
        }
    }
}

impl Text {
    /// Bytes of one origin.
    pub fn new(bytes: &[u8], made_of: MadeOf) -> Self {
        Self::shared(bytes.into(), made_of)
    }

    /// The same, without a copy of the bytes.
    pub fn shared(bytes: Rc<[u8]>, made_of: MadeOf) -> Self {
        let piece = Piece { len: bytes.len() as u32, made_of, control: SetId::EMPTY };
        let pieces = if piece.says_nothing() { Pieces::None } else { Pieces::One(piece) };
        Self { bytes, pieces }
    }

    /// Bytes that the program itself made.
    pub fn plain(text: impl AsRef<[u8]>) -> Self {
        Self::new(text.as_ref(), MadeOf::NOTHING)
    }

    /// The whole content of a leaf.
    pub fn verbatim(bytes: &[u8], leaf: LeafId) -> Self {
        Self::new(bytes, MadeOf::Verbatim { leaf, offset: 0 })
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes, to be kept without a copy.
    pub fn shared_bytes(&self) -> Rc<[u8]> {
        self.bytes.clone()
    }

    /// The text, where it is UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes).ok()
    }

    /// The text with U+FFFD for what is not UTF-8.
    pub fn lossy(&self) -> std::borrow::Cow<'_, str> {
        // Validating at once is several times faster than looking for what to replace.
        std::str::from_utf8(&self.bytes).map_or_else(|_| String::from_utf8_lossy(&self.bytes), Into::into)
    }

    /// The number of bytes.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Tells whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The pieces, which tile the bytes.
    pub fn pieces(&self) -> &[Piece] {
        match &self.pieces {
            Pieces::None => &[],
            Pieces::One(piece) => std::slice::from_ref(piece),
            Pieces::Many(pieces) => pieces,
        }
    }

    /// Tells whether both have the same bytes from the same origins.
    pub fn is_same(&self, other: &Self) -> bool {
        self.bytes == other.bytes && self.pieces() == other.pieces()
    }

    /// The pieces that touch a range, cut to it. Pieces of no length count where they lie in the range or at its ends.
    pub fn slices(&self, range: Range<usize>) -> impl Iterator<Item = Slice> + '_ {
        let mut at = 0;
        self.pieces().iter().filter_map(move |piece| {
            let (start, end) = (at, at + piece.len as usize);
            at = end;
            let touches = if piece.len == 0 {
                range.start <= start && start <= range.end
            } else {
                start < range.end && range.start < end
            };
            touches.then(|| {
                let cut = start.max(range.start)..end.min(range.end).max(start.max(range.start));
                let made_of = piece.made_of.after(cut.start - start);
                Slice { range: cut, made_of, control: piece.control }
            })
        })
    }

    /// The text's first byte, as a place to go on from.
    pub fn cursor(&self) -> Cursor<'_> {
        Cursor { text: self, at: 0, piece: 0, start: 0 }
    }

    /// The bytes of a range with their pieces. The range must lie in the text.
    pub fn slice(&self, range: Range<usize>) -> Self {
        if range == (0..self.len()) {
            return self.clone();
        }
        if let (Pieces::One(piece), false) = (&self.pieces, range.is_empty()) {
            let piece = Piece { len: range.len() as u32, made_of: piece.made_of.after(range.start), ..*piece };
            return Self { bytes: self.bytes[range].into(), pieces: Pieces::One(piece) };
        }
        let mut builder = TextBuilder::default();
        builder.push_slice(self, range);
        builder.build()
    }
}

impl Cursor<'_> {
    /// The place: the number of bytes before it.
    pub fn at(&self) -> usize {
        self.at
    }

    /// What the byte at the place is made of, and what decided that it is there.
    pub fn here(&self) -> (MadeOf, SetId) {
        self.text.pieces()[self.piece..]
            .iter()
            .find(|piece| piece.len > 0)
            .map_or((MadeOf::NOTHING, SetId::EMPTY), |piece| (piece.made_of.after(self.at - self.start), piece.control))
    }

    /// Appends what lies between the place and `end` to a text, and moves there. Pieces of no length at the end go along.
    pub fn take(&mut self, end: usize, into: &mut TextBuilder) {
        into.bytes.extend_from_slice(&self.text.bytes[self.at..end]);
        while let Some(piece) = self.text.pieces().get(self.piece) {
            let piece_end = self.start + piece.len as usize;
            if piece.len > 0 && self.at >= end {
                break;
            }
            let cut = piece_end.min(end);
            into.push_piece(Piece {
                len: (cut - self.at) as u32,
                made_of: piece.made_of.after(self.at - self.start),
                control: piece.control,
            });
            self.at = cut;
            if piece_end > end {
                break;
            }
            self.piece += 1;
            self.start = piece_end;
        }
        self.at = end;
    }

    /// Moves to `end`. Pieces of no length at the end stay ahead.
    pub fn skip(&mut self, end: usize) {
        while let Some(piece) = self.text.pieces().get(self.piece) {
            let piece_end = self.start + piece.len as usize;
            if piece_end > end || (piece.len == 0 && self.start >= end) {
                break;
            }
            self.piece += 1;
            self.start = piece_end;
        }
        self.at = end;
    }
}

impl TextBuilder {
    /// The number of bytes so far.
    pub fn len(&self) -> usize {
        self.bytes.len() - self.begin.0
    }

    /// Tells whether there are no bytes yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes so far.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[self.begin.0..]
    }

    /// Begins a text of its own; what there is so far waits.
    pub fn begin(&mut self) -> Outer {
        Outer(std::mem::replace(&mut self.begin, (self.bytes.len(), self.pieces.len())))
    }

    /// The text that was begun, and goes on with what waited.
    pub fn end(&mut self, outer: Outer) -> Text {
        let (bytes, pieces) = self.begin;
        let text = Text { bytes: self.bytes[bytes..].into(), pieces: Pieces::of(&self.pieces[pieces..]) };
        self.bytes.truncate(bytes);
        self.pieces.truncate(pieces);
        self.begin = outer.0;
        text
    }

    /// Appends bytes of one origin. No bytes with an origin leave a piece of no length.
    pub fn push_bytes(&mut self, bytes: &[u8], made_of: MadeOf, control: SetId) {
        self.bytes.extend_from_slice(bytes);
        self.push_piece(Piece { len: bytes.len() as u32, made_of, control });
    }

    /// Appends a text with its pieces.
    pub fn push(&mut self, text: &Text) {
        self.bytes.extend_from_slice(&text.bytes);
        for piece in text.pieces() {
            self.push_piece(*piece);
        }
    }

    /// Appends a part of a text with its pieces.
    pub fn push_slice(&mut self, text: &Text, range: Range<usize>) {
        self.bytes.extend_from_slice(&text.bytes[range.clone()]);
        for slice in text.slices(range) {
            self.push_piece(Piece { len: slice.range.len() as u32, made_of: slice.made_of, control: slice.control });
        }
    }

    /// Appends a text whose pieces are there for another reason as well: `control` names, for each piece's own control, the
    /// control it has here.
    pub fn push_under(&mut self, text: &Text, mut control: impl FnMut(SetId) -> SetId) {
        self.bytes.extend_from_slice(&text.bytes);
        for piece in text.pieces() {
            self.push_piece(Piece { control: control(piece.control), ..*piece });
        }
    }

    /// The text.
    pub fn build(self) -> Text {
        let (bytes, pieces) = self.begin;
        Text { bytes: self.bytes[bytes..].into(), pieces: Pieces::of(&self.pieces[pieces..]) }
    }

    fn push_piece(&mut self, piece: Piece) {
        if let Some(last) = self.pieces[self.begin.1..].last_mut() {
            let follows = match (last.made_of, piece.made_of) {
                (MadeOf::Verbatim { leaf, offset }, MadeOf::Verbatim { leaf: next, offset: at }) => {
                    leaf == next && offset + last.len == at
                }
                (MadeOf::Derived(set), MadeOf::Derived(next)) => set == next,
                _ => false,
            };
            if follows && last.control == piece.control {
                last.len += piece.len;
                return;
            }
        }
        if !piece.says_nothing() {
            self.pieces.push(piece);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::sets::Sets, *};

    #[test]
    fn slices_keep_their_place_in_the_leaf() {
        let mut sets = Sets::default();
        let (image, tag) = (sets.leaf("image"), sets.leaf("tag"));
        let mut builder = TextBuilder::default();
        builder.push(&Text::verbatim(b"acme/cart", image));
        builder.push_bytes(b":", MadeOf::NOTHING, SetId::EMPTY);
        builder.push(&Text::verbatim(b"1.4.2", tag));
        let text = builder.build();
        let cut = text.slice(5..12);
        assert_eq!(cut.bytes(), b"cart:1.");
        let places: Vec<_> = cut.slices(0..cut.len()).map(|slice| (slice.range, slice.made_of)).collect();
        assert_eq!(
            places,
            [
                (0..4, MadeOf::Verbatim { leaf: image, offset: 5 }),
                (4..5, MadeOf::NOTHING),
                (5..7, MadeOf::Verbatim { leaf: tag, offset: 0 }),
            ]
        );
    }

    #[test]
    fn a_text_within_a_text_is_its_own() {
        let mut builder = TextBuilder::default();
        builder.push_bytes(b"ab", MadeOf::NOTHING, SetId::EMPTY);
        let outer = builder.begin();
        assert!(builder.is_empty());
        builder.push_bytes(b"cd", MadeOf::NOTHING, SetId::EMPTY);
        let inner = builder.end(outer);
        assert_eq!((inner.bytes(), inner.pieces().len()), (b"cd".as_slice(), 1));
        builder.push(&inner);
        let whole = builder.build();
        assert_eq!((whole.bytes(), whole.pieces().len()), (b"abcd".as_slice(), 1));
    }

    #[test]
    fn a_cursor_takes_a_text_apart_as_slices_do() {
        let mut sets = Sets::default();
        let mut builder = TextBuilder::default();
        builder.push(&Text::verbatim(b"ab", sets.leaf("a")));
        builder.push(&Text::verbatim(b"", sets.leaf("mark")));
        builder.push(&Text::verbatim(b"cdef", sets.leaf("b")));
        let text = builder.build();
        let mut cursor = text.cursor();
        let mut taken = TextBuilder::default();
        cursor.take(2, &mut taken);
        assert_eq!(taken.build().pieces(), &text.pieces()[..2]);
        assert_eq!(cursor.here(), (text.pieces()[2].made_of, SetId::EMPTY));
        cursor.skip(4);
        let mut taken = TextBuilder::default();
        cursor.take(5, &mut taken);
        cursor.take(6, &mut taken);
        assert_eq!(taken.build().pieces(), text.slice(4..6).pieces());
        assert_eq!(cursor.at(), 6);
    }

    #[test]
    fn adjacent_bytes_of_a_leaf_are_one_piece_and_nothing_printed_leaves_a_mark() {
        let mut sets = Sets::default();
        let leaf = sets.leaf("x");
        let whole = Text::verbatim(b"abcdef", leaf);
        let mut builder = TextBuilder::default();
        builder.push_slice(&whole, 0..3);
        builder.push_slice(&whole, 3..6);
        builder.push(&Text::verbatim(b"", sets.leaf("empty")));
        let text = builder.build();
        assert_eq!(text.pieces().len(), 2);
        assert_eq!(text.slices(6..6).count(), 1);
        assert_eq!(text.slices(2..4).count(), 1);
    }
}
