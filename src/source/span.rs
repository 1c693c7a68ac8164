//! Places in a file, counted in bytes.

use std::ops::Range;

use super::path::RepoPath;

/// A range of bytes of one file; both ends lie on character boundaries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

/// A span and the file that it is in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file.
    pub file: RepoPath,
    /// The bytes.
    pub span: Span,
}

impl Span {
    /// The bytes from `start` up to, not including, `end`.
    pub fn new(start: usize, end: usize) -> Self {
        debug_assert!(start <= end, "a span cannot end before it starts");
        Self { start, end }
    }

    /// Nothing, at one place.
    pub fn empty(at: usize) -> Self {
        Self { start: at, end: at }
    }

    /// The number of bytes.
    pub fn len(&self) -> usize {
        self.end - self.start
    }

    /// Tells whether there are no bytes in it.
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// For slicing text.
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }
}

/// The line of a byte, from 1.
pub fn line_of(text: &str, byte: usize) -> usize {
    1 + text.as_bytes().iter().take(byte).filter(|byte| **byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_count_from_one() {
        assert_eq!([0, 1, 2, 9].map(|byte| line_of("a\nb\n", byte)), [1, 1, 2, 3]);
    }
}
