//! What goes, with what belongs to it.

use super::{
    body::follows_blank,
    collection::leading,
    find::{Node, elements, find},
    page::Page,
};
use crate::source::{edit::Splice, hcl::tree::Body, span::Span};

/// An argument, item, element or block.
pub(super) fn removed(page: &Page<'_>, at: Span) -> Option<Vec<Vec<Splice>>> {
    find(&page.file.body, at, |node| match node {
        Node::Attribute(body, attribute) if attribute.name.span == at => Some(definition(page, body, attribute.span)),
        Node::Block(body, block) if block.span == at => Some(definition(page, body, block.span)),
        Node::Item(around, object, index) if object.items[index].key.span() == at => {
            let items: Vec<Span> = object.items.iter().map(|item| item.span).collect();
            Some(of_collection(page, around.span, &items, index))
        }
        Node::Element(around, items, index) if items[index].span == at => {
            let items: Vec<Span> = items.iter().map(|item| item.span).collect();
            Some(of_collection(page, around.span, &items, index))
        }
        _ => None,
    })
    .map(|splices| vec![splices])
}

/// The element of a tuple at a position.
pub(super) fn element(page: &Page<'_>, within: Span, index: usize) -> Option<Vec<Vec<Splice>>> {
    let spans = elements(&page.file.body, within)?;
    (index < spans.len()).then(|| vec![of_collection(page, within, &spans, index)])
}

/// An argument or block of a body.
fn definition(page: &Page<'_>, body: &Body, span: Span) -> Vec<Splice> {
    if !page.begins_line(span.start) || !page.ends_line(span.end) {
        return vec![Splice::new(if body.items.len() == 1 { body.span } else { span }, "")];
    }
    let is_first = body.items.first().is_some_and(|first| first.span() == span);
    let start = page.line_start(leading(page, span.start, is_first));
    let end = page.next_line(span.end);
    let is_blank = |from: usize| from < page.text.len() && page.text[from..page.next_line(from)].trim().is_empty();
    let closes = page.text[end..page.next_line(end)].trim_start().starts_with('}');
    let opens = start <= page.next_line(body.span.start) && body.span.start > 0;
    // Of the empty lines around it, one stays.
    let span = if (follows_blank(page, start) || opens) && is_blank(end) {
        Span::new(start, page.next_line(end))
    } else if follows_blank(page, start) && closes {
        Span::new(page.line_start(start - 1), end)
    } else {
        Span::new(start, end)
    };
    vec![Splice::new(span, "")]
}

/// An item of an object or an element of a tuple.
fn of_collection(page: &Page<'_>, within: Span, items: &[Span], index: usize) -> Vec<Splice> {
    let item = items[index];
    if items.len() == 1 {
        return vec![Splice::new(Span::new(within.start + 1, within.end - 1), "")];
    }
    let end = page.end_with_comma(item.end);
    let (before, next) = (index.checked_sub(1).map(|before| items[before]), items.get(index + 1));
    if page.begins_line(item.start) && page.ends_line(end) {
        let start = page.line_start(leading(page, item.start, index == 0));
        let own = Splice::new(Span::new(start, page.next_line(end)), "");
        let comma = before.and_then(|before| page.comma_behind(before.end));
        return match comma {
            // The one before becomes the last, which has no comma where the last one had none.
            Some(comma) if next.is_none() && page.comma_behind(item.end).is_none() => {
                vec![Splice::new(comma, ""), own]
            }
            _ => vec![own],
        };
    }
    match (before, next) {
        (Some(before), None) => vec![Splice::new(Span::new(before.end, item.end), "")],
        (_, Some(next)) => vec![Splice::new(Span::new(item.start, next.start), "")],
        (None, None) => Vec::new(),
    }
}
