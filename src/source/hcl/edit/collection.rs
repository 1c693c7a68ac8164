//! New items of objects and new elements of tuples.

use serde_json::Value;

use super::{
    EditError,
    find::{Node, elements, find},
    page::Page,
    print::{self, Layout},
};
use crate::source::{
    edit::Splice,
    hcl::tree::{ExpressionKind, Key, Object, Separator},
    span::{Span, line_of},
};

/// A new item at the end of an object.
pub(super) fn key(
    page: &Page<'_>,
    within: Span,
    key: &str,
    value: &Value,
) -> Result<Option<Vec<Vec<Splice>>>, EditError> {
    let found = find(&page.file.body, within, |node| match node {
        Node::Expression(expression) if expression.span == within => match &expression.kind {
            ExpressionKind::Object(object) => Some(object),
            _ => None,
        },
        _ => None,
    });
    let Some(object) = found else { return Ok(None) };
    let is_it = |item: &&crate::source::hcl::tree::ObjectItem| match &item.key {
        Key::Name(name) => &*name.text == key,
        Key::Expression(expression) => expression.literal().is_some_and(|text| &*text.value == key),
    };
    if let Some(item) = object.items.iter().find(is_it) {
        let line = line_of(page.text, item.span.start);
        return Err(EditError::Exists { name: key.to_owned(), line });
    }
    let name = if object.items.is_empty()
        || !object.items.iter().all(|item| page.text[item.key.span().range()].starts_with('"'))
    {
        print::key(key)
    } else {
        print::quoted(key)
    };
    let separator = separator(page, object);
    let words = |layout: Layout<'_>| format!("{name}{separator}{}", print::value(value, layout));
    let spans: Vec<Span> = object.items.iter().map(|item| item.span).collect();
    Ok(Some(vec![inserted(page, within, &spans, spans.len(), words)]))
}

/// What stands between a key and its value.
fn separator(page: &Page<'_>, object: &Object) -> &'static str {
    let Some(last) = object.items.last() else { return " = " };
    match last.separator {
        Separator::Equals => " = ",
        Separator::Colon if page.text[last.key.span().end..].starts_with(':') => ": ",
        Separator::Colon => " : ",
    }
}

/// A new element of a tuple.
pub(super) fn element(page: &Page<'_>, within: Span, index: usize, value: &Value) -> Option<Vec<Vec<Splice>>> {
    let spans = elements(&page.file.body, within)?;
    Some(vec![inserted(page, within, &spans, index.min(spans.len()), |layout| print::value(value, layout))])
}

/// A new key over the map that an expression refers to.
pub(super) fn merged(page: &Page<'_>, at: Span, key: &str, value: &Value) -> Option<Vec<Vec<Splice>>> {
    let expression = find(&page.file.body, at, |node| match node {
        Node::Expression(expression) if expression.span == at => Some(expression),
        _ => None,
    })?;
    let map = Value::Object([(key.to_owned(), value.clone())].into_iter().collect());
    let words = |layout: Layout<'_>| print::value(&map, layout);
    if let ExpressionKind::Call(call) = &expression.kind
        && &*call.name.text == "merge"
        && call.spread.is_none()
    {
        let spans: Vec<Span> = call.arguments.iter().map(|argument| argument.span).collect();
        let within = Span::new(call.open.start, call.close.end);
        return Some(vec![inserted(page, within, &spans, spans.len(), words)]);
    }
    let before = Splice::new(Span::empty(at.start), "merge(");
    let behind = Splice::new(Span::empty(at.end), format!(", {})", words(Layout::Line)));
    Some(vec![vec![before, behind]])
}

/// What is new, at a position among the others.
fn inserted(
    page: &Page<'_>,
    within: Span,
    items: &[Span],
    index: usize,
    words: impl Fn(Layout<'_>) -> String,
) -> Vec<Splice> {
    let line_break = page.line_break();
    let inside = Span::new(within.start + 1, within.end - 1);
    let Some(last) = items.last() else {
        if page.text[inside.range()].trim().is_empty() && !page.has_lines(inside) {
            let words = words(Layout::Line);
            let is_object = page.text[within.range()].starts_with('{');
            let text = if is_object { format!(" {words} ") } else { words };
            return vec![Splice::new(inside, text)];
        }
        let indent = format!("{}  ", page.indent(inside.end));
        let at = if page.begins_line(inside.end) { page.line_start(inside.end) } else { inside.end };
        let words = words(Layout::Lines { indent: &indent, line_break });
        return vec![Splice::new(Span::empty(at), format!("{indent}{words}{line_break}"))];
    };
    let needs_commas = page.text[within.range()].starts_with(['[', '(']);
    // Each begins a line of its own, and so does what closes them.
    let by_line = items.iter().all(|item| page.begins_line(item.start)) && page.begins_line(inside.end);
    if by_line {
        let indent = page.indent(last.start).to_owned();
        let is_map = |item: &Span| page.text[item.range()].starts_with(['{', '[']);
        let one_line = !items.iter().any(|item| page.has_lines(*item)) && needs_commas && items.iter().all(is_map);
        let words = words(if one_line { Layout::Line } else { Layout::Lines { indent: &indent, line_break } });
        let has_comma = page.comma_behind(last.end).is_some();
        let others_have = items[..items.len() - 1].iter().any(|item| page.comma_behind(item.end).is_some());
        if index < items.len() {
            let comma = if needs_commas || others_have || has_comma { "," } else { "" };
            let at = page.line_start(leading(page, items[index].start, index == 0));
            return vec![Splice::new(Span::empty(at), format!("{indent}{words}{comma}{line_break}"))];
        }
        let mut splices = Vec::new();
        if (needs_commas || others_have) && !has_comma {
            splices.push(Splice::new(Span::empty(last.end), ","));
        }
        let comma = if has_comma { "," } else { "" };
        let at = page.next_line(page.comma_behind(last.end).map_or(last.end, |comma| comma.end));
        splices.push(Splice::new(Span::empty(at), format!("{indent}{words}{comma}{line_break}")));
        return splices;
    }
    // A value of several lines goes on where the line goes on.
    let is_line =
        !page.has_lines(Span::new(items[0].start, last.end)) || !items.iter().any(|item| page.has_lines(*item));
    let layout = if is_line { Layout::Line } else { Layout::Lines { indent: page.indent(last.start), line_break } };
    let words = words(layout);
    match items.get(index) {
        Some(next) => vec![Splice::new(Span::empty(next.start), format!("{words}, "))],
        None => vec![Splice::new(Span::empty(last.end), format!(", {words}"))],
    }
}

/// Where an item begins, the comments above it included; above the first one they may speak for all.
pub(super) fn leading(page: &Page<'_>, start: usize, is_first: bool) -> usize {
    match page.file.leading_comments(page.text, start).first() {
        Some(comment) if !is_first => comment.start,
        _ => start,
    }
}
