//! Going through a text from its first byte to its last.

use super::{MadeOf, Text, TextBuilder};
use crate::source::lineage::sets::Flow;

/// Takes the bytes of a text from the front, with their pieces: what [`Text::slice`] does for many ranges in order, without
/// looking for the first piece each time.
#[derive(Debug)]
pub struct Cursor<'t> {
    text: &'t Text,
    /// The piece, and how much of it is behind.
    piece: usize,
    used: usize,
    at: usize,
}

impl<'t> Cursor<'t> {
    /// Begins at the first byte.
    pub fn new(text: &'t Text) -> Self {
        Self { text, piece: 0, used: 0, at: 0 }
    }

    /// Copies everything before a byte, and the marks in front of it.
    pub fn copy(&mut self, out: &mut TextBuilder, to: usize) {
        while let Some(piece) = self.text.pieces().get(self.piece)
            && (self.at < to || piece.len == 0)
        {
            let len = (piece.len as usize - self.used).min(to - self.at);
            out.push_bytes(&self.text.bytes()[self.at..self.at + len], self.made_of(), piece.control);
            self.advance(len);
        }
    }

    /// Leaves out everything before a byte.
    pub fn skip(&mut self, to: usize) {
        while self.at < to {
            let piece = self.text.pieces()[self.piece];
            self.advance((piece.len as usize - self.used).min(to - self.at));
        }
    }

    /// Copies the rest, with the marks behind the last byte.
    pub fn finish(mut self, out: &mut TextBuilder) {
        self.copy(out, self.text.len());
    }

    fn advance(&mut self, len: usize) {
        self.at += len;
        self.used += len;
        if self.used >= self.text.pieces()[self.piece].len as usize {
            self.piece += 1;
            self.used = 0;
        }
    }

    /// The origin of the next byte.
    fn made_of(&self) -> MadeOf {
        match self.text.pieces().get(self.piece).map(|piece| piece.made_of) {
            Some(MadeOf::Verbatim { leaf, offset }) => MadeOf::Verbatim { leaf, offset: offset + self.used as u32 },
            Some(derived) => derived,
            None => MadeOf::NOTHING,
        }
    }

    /// The leaves of the next byte.
    pub fn flow(&self) -> Flow {
        let control = self.text.pieces().get(self.piece).map_or_else(Default::default, |piece| piece.control);
        Flow { data: self.made_of().set(), control }
    }
}
