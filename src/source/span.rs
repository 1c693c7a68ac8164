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
    1 + text.as_bytes()[..byte.min(text.len())].iter().filter(|byte| **byte == b'\n').count()
}

/// Where the lines of a text are, for a text that is asked often: each answer looks at one block of it.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    /// The line breaks before each block.
    before: Vec<usize>,
}

impl Lines {
    const BLOCK: usize = 1 << 10;

    /// Counts the lines of a text.
    pub fn of(text: &str) -> Self {
        let mut count = 0;
        let blocks = text.as_bytes().chunks(Self::BLOCK).map(|block| {
            let before = count;
            count += block.iter().filter(|byte| **byte == b'\n').count();
            before
        });
        Self { before: blocks.collect() }
    }

    /// The line of a byte of that text, from 1; see [`line_of`].
    pub fn line(&self, text: &str, byte: usize) -> usize {
        let block = (byte / Self::BLOCK).min(self.before.len().saturating_sub(1));
        let start = block * Self::BLOCK;
        let rest = text.as_bytes()[start..].iter().take(byte - start);
        1 + self.before.get(block).copied().unwrap_or_default() + rest.filter(|byte| **byte == b'\n').count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_count_from_one() {
        assert_eq!([0, 1, 2, 9].map(|byte| line_of("a\nb\n", byte)), [1, 1, 2, 3]);
    }

    #[test]
    fn counted_lines_are_the_same() {
        for text in ["", "a", "\n", &"ab\n".repeat(2000), &"\n".repeat(Lines::BLOCK), &"x".repeat(3 * Lines::BLOCK)] {
            let lines = Lines::of(text);
            for byte in 0..text.len() + 2 {
                assert_eq!(lines.line(text, byte), line_of(text, byte), "{byte} of {}", text.len());
            }
        }
    }
}
