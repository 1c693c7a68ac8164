//! Which bytes of a scalar's written form stand for which bytes of its text.
//!
//! The decoded text is known to be right; a trace that does not arrive at exactly it is no trace.

use std::ops::Range;

use crate::source::{span::Span, yaml::tree::ScalarStyle};

/// A run of decoded bytes and what says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) source: Range<usize>,
    pub(super) decoded: Range<usize>,
    /// Both are the same bytes.
    pub(super) verbatim: bool,
}

/// The runs that make up a scalar's text, in order.
pub(super) fn runs(source: &str, span: Span, style: ScalarStyle, decoded: &str) -> Option<Vec<Run>> {
    let mut trace = Trace { source, decoded, at: 0, runs: Vec::new() };
    match style {
        ScalarStyle::Plain => trace.flow(span.range(), style)?,
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
            if span.len() < 2 {
                return None;
            }
            trace.flow(span.start + 1..span.end - 1, style)?;
        }
        ScalarStyle::Literal => trace.literal(span)?,
        ScalarStyle::Folded => trace.folded(span)?,
    }
    (trace.at == decoded.len()).then_some(trace.runs)
}

struct Trace<'s> {
    source: &'s str,
    decoded: &'s str,
    /// The decoded byte that is next.
    at: usize,
    runs: Vec<Run>,
}

/// A line of the source without its break.
struct Line {
    range: Range<usize>,
    /// Its break; absent at the end of the text.
    end: Option<Range<usize>>,
}

impl Trace<'_> {
    /// Plain and quoted scalars between their quotes.
    fn flow(&mut self, inner: Range<usize>, style: ScalarStyle) -> Option<()> {
        let mut at = inner.start;
        while at < inner.end {
            let rest = &self.source[at..inner.end];
            let c = rest.chars().next()?;
            let behind_blanks = rest.trim_start_matches([' ', '\t']);
            if behind_blanks.starts_with(is_break) {
                let behind = behind_blanks.trim_start_matches(|c| is_break(c) || matches!(c, ' ' | '\t'));
                let end = inner.end - behind.len();
                let folded = match breaks(behind_blanks) {
                    1 => 1,
                    breaks => breaks - 1,
                };
                self.derived(at..end, folded)?;
                at = end;
            } else if style == ScalarStyle::DoubleQuoted && c == '\\' {
                let escaped = rest[1..].chars().next()?;
                if is_break(escaped) {
                    let behind = rest[1..].trim_start_matches(|c| is_break(c) || matches!(c, ' ' | '\t'));
                    let end = inner.end - behind.len();
                    self.derived(at..end, breaks(&rest[1..]).saturating_sub(1))?;
                    at = end;
                } else {
                    let digits = match escaped {
                        'x' => 2,
                        'u' => 4,
                        'U' => 8,
                        _ => 0,
                    };
                    let end = at + 1 + escaped.len_utf8() + digits;
                    let len = self.decoded[self.at..].chars().next()?.len_utf8();
                    self.derived(at..end, len)?;
                    at = end;
                }
            } else if style == ScalarStyle::SingleQuoted && c == '\'' {
                self.derived(at..at + 2, 1)?;
                at += 2;
            } else {
                self.verbatim(at..at + c.len_utf8())?;
                at += c.len_utf8();
            }
        }
        Some(())
    }

    fn literal(&mut self, span: Span) -> Option<()> {
        let mut lines = Lines { source: self.source, at: span.start };
        lines.next()?;
        let mut indent = None;
        while self.at < self.decoded.len() {
            let line = lines.next()?;
            let width = self.decoded[self.at..].find('\n').unwrap_or(self.decoded.len() - self.at);
            if width > 0 {
                let indent = *indent.get_or_insert(line.range.len().checked_sub(width)?);
                self.verbatim(line.range.start + indent..line.range.end)?;
            }
            self.line_break(&line)?;
        }
        Some(())
    }

    fn folded(&mut self, span: Span) -> Option<()> {
        let mut lines = Lines { source: self.source, at: span.start };
        let mut behind = lines.next()?.range.end;
        let mut indent = None;
        let mut first = true;
        while self.at < self.decoded.len() {
            let gap = &self.decoded[self.at..];
            let breaks = gap.len() - gap.trim_start_matches('\n').len();
            if breaks == gap.len() {
                // Nothing but the last lines' breaks is left.
                let own = if self.source[behind..].starts_with('\n') { 1 } else { 0 };
                if own == 1 && !first {
                    self.verbatim(behind..behind + 1)?;
                }
                let left = self.decoded.len() - self.at;
                return self.derived(behind..span.end.max(behind), left);
            }
            let mut line = lines.next()?;
            while self.source[line.range.clone()].trim_matches(' ').is_empty() {
                line = lines.next()?;
            }
            let gap = if first || breaks > 0 { breaks } else { 1 };
            self.derived(behind..line.range.start, gap)?;
            let written = &self.source[line.range.clone()];
            let expected = &self.decoded[self.at..];
            let indent = match indent {
                Some(indent) => indent,
                None => {
                    let spaces = written.len() - written.trim_start_matches(' ').len();
                    *indent.insert((0..=spaces).rev().find(|indent| expected.starts_with(&written[*indent..]))?)
                }
            };
            self.verbatim(line.range.start + indent..line.range.end)?;
            behind = line.range.end;
            first = false;
        }
        Some(())
    }

    /// A line's break, where the decoded text has one next.
    fn line_break(&mut self, line: &Line) -> Option<()> {
        if !self.decoded[self.at..].starts_with('\n') {
            return (self.at == self.decoded.len()).then_some(());
        }
        let end = line.end.clone()?;
        if self.source[end.clone()] == *"\n" { self.verbatim(end) } else { self.derived(end, 1) }
    }

    fn verbatim(&mut self, source: Range<usize>) -> Option<()> {
        let same = self.source.get(source.clone()).is_some_and(|text| self.decoded[self.at..].starts_with(text));
        if same { self.push(source.clone(), source.len(), true) } else { None }
    }

    fn derived(&mut self, source: Range<usize>, len: usize) -> Option<()> {
        self.push(source, len, false)
    }

    fn push(&mut self, source: Range<usize>, len: usize, verbatim: bool) -> Option<()> {
        if len == 0 {
            return Some(());
        }
        let decoded = self.at..self.at + len;
        if !self.decoded.is_char_boundary(decoded.end) {
            return None;
        }
        self.at = decoded.end;
        match self.runs.last_mut() {
            Some(last) if verbatim && last.verbatim && last.source.end == source.start => {
                last.source.end = source.end;
                last.decoded.end = decoded.end;
            }
            _ => self.runs.push(Run { source, decoded, verbatim }),
        }
        Some(())
    }
}

/// The lines of a text from a byte on.
struct Lines<'s> {
    source: &'s str,
    at: usize,
}

impl Iterator for Lines<'_> {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        let rest = self.source.get(self.at..).filter(|rest| !rest.is_empty())?;
        let width = rest.find(is_break).unwrap_or(rest.len());
        let range = self.at..self.at + width;
        let behind = &rest[width..];
        let len = if behind.starts_with("\r\n") { 2 } else { behind.chars().next().map_or(0, char::len_utf8) };
        self.at = range.end + len;
        Some(Line { end: (len > 0).then_some(range.end..range.end + len), range })
    }
}

/// The line breaks among the blanks and breaks that a text begins with.
fn breaks(text: &str) -> usize {
    let blanks = text.len() - text.trim_start_matches(|c| is_break(c) || matches!(c, ' ' | '\t')).len();
    let blanks = &text[..blanks];
    blanks.chars().filter(|c| is_break(*c)).count() - blanks.matches("\r\n").count()
}

fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::yaml::{parse::parse, tree::NodeKind};

    /// The runs of the only value of `a: …`, as what they say and whether it is verbatim.
    fn traced(text: &str) -> Option<Vec<(String, bool)>> {
        let stream = parse(text).expect(text);
        let document = &stream.documents[0];
        let NodeKind::Mapping { entries, .. } = &document.node(document.root.expect("a root")).kind else {
            panic!("{text:?} is a map")
        };
        let node = document.node(entries[0].value);
        let NodeKind::Scalar { style, text: decoded } = &node.kind else { panic!("{text:?} holds a scalar") };
        let runs = runs(text, node.span, *style, decoded)?;
        let said: String = runs.iter().map(|run| &decoded[run.decoded.clone()]).collect();
        assert_eq!(said, *decoded, "{text:?}");
        for run in &runs {
            assert!(!run.verbatim || text[run.source.clone()] == decoded[run.decoded.clone()], "{text:?}");
        }
        Some(runs.iter().map(|run| (decoded[run.decoded.clone()].to_owned(), run.verbatim)).collect())
    }

    #[test]
    fn what_is_written_out_is_verbatim_in_every_style() {
        let cases: &[(&str, &[(&str, bool)])] = &[
            ("a: x y", &[("x y", true)]),
            ("a: x\n  y", &[("x", true), (" ", false), ("y", true)]),
            ("a: x\n\n\n  y", &[("x", true), ("\n\n", false), ("y", true)]),
            ("a: 'x''y'", &[("x", true), ("'", false), ("y", true)]),
            ("a: 'x  \n  y'", &[("x", true), (" ", false), ("y", true)]),
            ("a: \"x\\ty\\u00e9z\"", &[("x", true), ("\t", false), ("y", true), ("é", false), ("z", true)]),
            ("a: \"x\\\n   y\"", &[("x", true), ("y", true)]),
            ("a: \"x\\n\n  y\"", &[("x", true), ("\n", false), (" ", false), ("y", true)]),
            ("a: |\n  x\n   y\n\n  z\n", &[("x\n", true), (" y\n\n", true), ("z\n", true)]),
            ("a: |-\n  x\n  y\n", &[("x\n", true), ("y", true)]),
            ("a: |+\n  x\n\n\n", &[("x\n\n\n", true)]),
            ("a: |2\n   x\n  y\n", &[(" x\n", true), ("y\n", true)]),
            ("a: |\n  x", &[("x", true)]),
            ("a: |\r\n  x\r\n  y\r\n", &[("x", true), ("\n", false), ("y", true), ("\n", false)]),
            ("a: >\n  x\n  y\n", &[("x", true), (" ", false), ("y\n", true)]),
            (
                "a: >-\n\n  x\n\n  y\n    z\n  w\n",
                &[
                    ("\n", false),
                    ("x", true),
                    ("\n", false),
                    ("y", true),
                    ("\n", false),
                    ("  z", true),
                    ("\n", false),
                    ("w", true),
                ],
            ),
        ];
        for (text, expected) in cases {
            let traced = traced(text).unwrap_or_else(|| panic!("{text:?} is traced"));
            let traced: Vec<(&str, bool)> = traced.iter().map(|(said, verbatim)| (said.as_str(), *verbatim)).collect();
            assert_eq!(traced, *expected, "{text:?}");
        }
    }
}
