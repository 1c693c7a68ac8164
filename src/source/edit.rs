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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_splice_touches_its_span_alone() {
        assert_eq!(Splice::new(Span::new(2, 3), "XY").apply("abcde"), "abXYde");
        assert_eq!(Splice::new(Span::empty(5), "!").apply("abcde"), "abcde!");
    }
}
