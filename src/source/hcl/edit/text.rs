//! New values in the place of old ones.

use serde_json::Value;

use super::{
    find::{Node, find},
    page::Page,
    print::{Layout, escaped, key, quoted, unquoted, value},
};
use crate::source::{
    edit::Splice,
    hcl::{
        identifier::is_name,
        tree::{Expression, ExpressionKind, Form, Text},
    },
    span::Span,
};

/// The ways to write a value in the place of an expression.
pub(super) fn set(page: &Page<'_>, at: Span, new: &Value) -> Option<Vec<Vec<Splice>>> {
    let expression = find(&page.file.body, at, |node| match node {
        Node::Expression(expression) if expression.span == at => Some(expression),
        _ => None,
    })?;
    let mut all = Vec::new();
    if let (ExpressionKind::Template(template), Value::String(new)) = (&expression.kind, new)
        && let Some(text) = template.literal()
    {
        all.extend(rewritten(page, text, template.form, new));
    }
    let has_lines =
        page.has_lines(at) && matches!(expression.kind, ExpressionKind::Tuple(_) | ExpressionKind::Object(_));
    let is_inline = !page.begins_value(at) && !has_lines;
    let lines = Layout::Lines { indent: page.indent(at.start), line_break: page.line_break() };
    let layout = if is_inline { Layout::Line } else { lines };
    all.push(vec![Splice::new(at, value(new, layout))]);
    Some(all)
}

impl Page<'_> {
    /// Tells whether a value is all that follows an equals sign on its line, so that it may go on over several lines.
    fn begins_value(&self, at: Span) -> bool {
        self.text[self.line_start(at.start)..at.start].trim_end().ends_with('=') && self.ends_line(at.end)
    }
}

/// The text in its own form, the bytes that stay left as they are.
fn rewritten(page: &Page<'_>, text: &Text, form: Form, new: &str) -> Vec<Vec<Splice>> {
    let old = &*text.value;
    let start: usize = old.chars().zip(new.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
    let (rest, new_rest) = (&old[start..], &new[start..]);
    let tail: usize =
        rest.chars().rev().zip(new_rest.chars().rev()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
    let range = (start, old.len() - tail);
    let part = raw(page, text, form, range, &new[start..new.len() - tail]);
    part.into_iter().chain(anew(page, text, form, new)).map(|splice| vec![splice]).collect()
}

/// All lines of a heredoc that is nothing but text.
fn anew(page: &Page<'_>, text: &Text, form: Form, new: &str) -> Option<Splice> {
    let Form::Heredoc { cut, .. } = form else { return None };
    let blanks = page.indent_of_heredoc(text, cut.unwrap_or(0));
    let line = |line: &str| {
        let is_blank = line.trim_end_matches(['\r', '\n']).is_empty();
        format!("{}{}", if is_blank { "" } else { &blanks }, unquoted(line))
    };
    let lines: String = new.split_inclusive('\n').map(line).collect();
    Some(Splice::new(Span::new(page.line_start(text.span.start), text.span.end), lines))
}

/// The ways to write other bytes of a text.
pub(super) fn replaced(page: &Page<'_>, at: Span, range: (usize, usize), new: &str) -> Option<Vec<Vec<Splice>>> {
    let (text, form) = find(&page.file.body, at, |node| match node {
        Node::Text(text, form) if text.span == at => Some((text, form)),
        Node::Expression(expression) if expression.span == at => match &expression.kind {
            ExpressionKind::Template(template) => Some((template.literal()?, template.form)),
            _ => None,
        },
        _ => None,
    })?;
    let whole = find(&page.file.body, at, |node| match node {
        Node::Expression(Expression { kind: ExpressionKind::Template(template), .. }) => {
            template.literal().filter(|literal| literal.span == text.span).map(|literal| literal.value.to_string())
        }
        _ => None,
    });
    let anew = whole.and_then(|mut whole| {
        whole.get(range.0..range.1)?;
        whole.replace_range(range.0..range.1, new);
        self::anew(page, text, form, &whole)
    });
    Some(raw(page, text, form, range, new).into_iter().chain(anew).map(|splice| vec![splice]).collect())
}

fn raw(page: &Page<'_>, text: &Text, form: Form, range: (usize, usize), new: &str) -> Option<Splice> {
    text.value.get(range.0..range.1)?;
    let start = place(text, range.0, false)?;
    // A line break that goes takes along the blanks that are cut from the next line.
    let takes_line = range.1 < text.value.len() && text.value[..range.1].ends_with('\n');
    let end = if range.0 == range.1 { start } else { place(text, range.1, !takes_line)? };
    let new = match form {
        Form::Quoted => escaped(new),
        Form::Bare => return None,
        Form::Heredoc { cut, .. } => {
            let blanks = page.indent_of_heredoc(text, cut.unwrap_or(0));
            let goes_on = range.1 < text.value.len();
            // At the very start of a line, what is cut from it is still to come.
            let mut lines = String::new();
            let is_bare = start == page.line_start(start) && !new.starts_with(['\r', '\n']) && !new.is_empty();
            lines += if is_bare { &blanks } else { "" };
            for (index, line) in unquoted(new).split_inclusive('\n').enumerate() {
                let is_blank = line.trim_end_matches(['\r', '\n']).is_empty();
                lines += if index > 0 && !is_blank { &blanks } else { "" };
                lines += line;
            }
            lines += if new.ends_with('\n') && goes_on { &blanks } else { "" };
            lines
        }
    };
    (start <= end).then(|| Splice::new(Span::new(start, end), new))
}

/// The byte of the file that a byte of the text is, or the end of what is before it.
fn place(text: &Text, at: usize, is_end: bool) -> Option<usize> {
    let mut from = 0;
    for piece in &text.pieces {
        let to = from + piece.len as usize;
        let is_in = if is_end { from < at && at <= to } else { from <= at && at < to };
        if is_in {
            return match (piece.is_verbatim, at - from) {
                (true, within) => Some(piece.raw.start + within),
                (false, 0) => Some(piece.raw.start),
                (false, within) if within == piece.len as usize => Some(piece.raw.end),
                _ => None,
            };
        }
        from = to;
    }
    // Before the first byte, or behind the last one.
    Some(match (at, text.pieces.first(), text.pieces.last()) {
        (0, Some(first), _) => first.raw.start,
        (_, _, Some(last)) => last.raw.end,
        _ => text.span.start,
    })
}

impl Page<'_> {
    fn indent_of_heredoc(&self, text: &Text, cut: usize) -> String {
        let line = &self.text[self.line_start(text.span.start)..];
        let blanks: String = line.chars().take_while(|char| matches!(char, ' ' | '\t')).take(cut).collect();
        if blanks.len() == cut { blanks } else { " ".repeat(cut) }
    }
}

/// Another name of an argument, or another key of an item.
pub(super) fn renamed(page: &Page<'_>, at: Span, name: &str) -> Option<Vec<Vec<Splice>>> {
    let is_argument = find(&page.file.body, at, |node| match node {
        Node::Attribute(_, attribute) if attribute.name.span == at => Some(true),
        Node::Item(_, object, index) if object.items[index].key.span() == at => Some(false),
        _ => None,
    })?;
    let is_quoted = page.text[at.range()].starts_with('"');
    let text = match (is_argument, is_quoted) {
        (true, _) if !is_name(name) => return None,
        (true, _) => name.to_owned(),
        (false, true) => quoted(name),
        (false, false) => key(name),
    };
    Some(vec![vec![Splice::new(at, text)]])
}
