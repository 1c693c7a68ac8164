//! Changes to files: byte splices on the original text.

use super::span::Span;

/// One splice: these bytes go, this text comes in their place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Splice {
    /// What goes; empty to insert.
    pub span: Span,
    /// What comes; empty to delete.
    pub text: String,
}

impl Splice {
    /// Replaces the bytes of `span` by `text`.
    pub fn new(span: Span, text: impl Into<String>) -> Self {
        Self { span, text: text.into() }
    }

    /// The text after this splice; every byte outside the span is carried over as it is.
    ///
    /// # Panics
    /// If the span does not lie on character boundaries of `original`, which no locator of this crate produces.
    pub fn apply(&self, original: &str) -> String {
        let mut out = String::with_capacity(original.len() + self.text.len());
        out.push_str(&original[..self.span.start]);
        out.push_str(&self.text);
        out.push_str(&original[self.span.end..]);
        out
    }

    /// The same change without the lines at its beginning and end that it leaves as they are.
    #[must_use]
    pub fn in_whole_lines(&self, original: &str) -> Self {
        let before = &original[self.span.range()];
        let lines = |text: &str| text.split_inclusive('\n').map(str::len).collect::<Vec<_>>();
        let (old, new) = (lines(before), lines(&self.text));
        let mut above = 0;
        for (from, to) in old.iter().zip(&new) {
            if before[above..above + from] != self.text[above..above + to] {
                break;
            }
            above += from;
        }
        let (mut old_end, mut new_end) = (before.len(), self.text.len());
        for (from, to) in old.iter().rev().zip(new.iter().rev()) {
            let (old_start, new_start) = (old_end - from, new_end - to);
            if old_start < above || new_start < above || before[old_start..old_end] != self.text[new_start..new_end] {
                break;
            }
            (old_end, new_end) = (old_start, new_start);
        }
        let span = Span::new(self.span.start + above, self.span.start + old_end);
        Self::new(span, &self.text[above..new_end])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_splice_touches_its_span_alone() {
        assert_eq!(Splice::new(Span::new(2, 3), "XY").apply("abcde"), "abXYde");
        assert_eq!(Splice::new(Span::empty(5), "!").apply("abcde"), "abcde!");
    }

    #[test]
    fn lines_that_stay_are_left_out() {
        let cases = [
            ("a\nb\nc\n", "a\nB\nc\n", (2, 4), "B\n"),
            ("a\nb\nc", "a\nb\nx\nc", (4, 4), "x\n"),
            ("a\na\n", "a\na\na\n", (4, 4), "a\n"),
            ("a\na\na\n", "a\n", (2, 6), ""),
            ("one", "two", (0, 3), "two"),
            ("same\n", "same\n", (5, 5), ""),
        ];
        for (before, after, (start, end), text) in cases {
            let narrowed = Splice::new(Span::new(0, before.len()), after).in_whole_lines(before);
            assert_eq!(narrowed, Splice::new(Span::new(start, end), text), "{before:?} to {after:?}");
            assert_eq!(narrowed.apply(before), after);
        }
    }
}
