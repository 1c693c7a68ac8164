//! New arguments and blocks.

use serde_json::{Map, Value};

use super::{
    EditError,
    collection::leading,
    find::{Node, find},
    page::Page,
    print::{self, Layout, Like},
};
use crate::source::{
    edit::Splice,
    hcl::{
        identifier::is_name,
        tree::{Attribute, Block, Body, Item},
    },
    span::{Span, line_of},
};

/// The arguments that stand last, each apart from the others.
const LAST: &[&str] = &["depends_on", "provider", "providers"];

fn block_at<'p>(page: &Page<'p>, at: Span) -> Option<&'p Block> {
    find(&page.file.body, at, |node| match node {
        Node::Block(_, block) if block.span == at => Some(block),
        _ => None,
    })
}

/// A new argument of a block or of the file.
pub(super) fn argument(
    page: &Page<'_>,
    within: Option<Span>,
    name: &str,
    value: &Value,
) -> Result<Option<Vec<Vec<Splice>>>, EditError> {
    let block = match within {
        None => None,
        Some(at) => match block_at(page, at) {
            Some(block) => Some(block),
            None => return Ok(None),
        },
    };
    let body = block.map_or(&page.file.body, |block| &block.body);
    if let Some(known) = body.attribute(name) {
        let line = line_of(page.text, known.span.start);
        return Err(EditError::Exists { name: name.to_owned(), line });
    }
    if !is_name(name) {
        return Ok(None);
    }
    let line_break = page.line_break();
    let words = |indent: &str| {
        let value = print::value(value, Layout::Lines { indent, line_break });
        format!("{indent}{name} = {value}{line_break}")
    };
    if let Some(anchor) = anchor(page, body) {
        let line = words(page.indent(anchor.span.start));
        let at = page.next_line(anchor.span.end);
        let is_open = !page.text[..at].ends_with('\n');
        let text = if is_open { format!("{line_break}{}", line.trim_end_matches(['\r', '\n'])) } else { line };
        return Ok(Some(vec![vec![Splice::new(Span::empty(at), text)]]));
    }
    let Some(block) = block else {
        let at = page.text.len();
        let gap = if page.text.is_empty() || page.text.ends_with('\n') { "" } else { line_break };
        return Ok(Some(vec![vec![Splice::new(Span::empty(at), format!("{gap}{}", words("")))]]));
    };
    let outer = page.indent(block.span.start);
    let line = words(&format!("{outer}  "));
    let splice = match &body.items[..] {
        [] if page.text[body.span.range()].trim().is_empty() => {
            Splice::new(body.span, format!("{line_break}{line}{outer}"))
        }
        [Item::Attribute(only)] if !page.has_lines(body.span) => {
            let only = &page.text[only.span.range()];
            Splice::new(body.span, format!("{line_break}{outer}  {only}{line_break}{line}{outer}"))
        }
        // Blocks alone, or comments.
        items => {
            let gap = if items.is_empty() { "" } else { line_break };
            Splice::new(Span::empty(page.next_line(block.open.end)), format!("{line}{gap}"))
        }
    };
    Ok(Some(vec![vec![splice]]))
}

/// The argument behind which a new one goes: the last of one line before the first block.
fn anchor<'p>(page: &Page<'p>, body: &'p Body) -> Option<&'p Attribute> {
    let arguments = body.items.iter().map_while(|item| match item {
        Item::Attribute(attribute) => Some(attribute),
        Item::Block(_) => None,
    });
    let own_line = |argument: &&Attribute| page.begins_line(argument.span.start) && page.ends_line(argument.span.end);
    let all: Vec<&Attribute> = arguments.filter(own_line).collect();
    let usual = all.iter().filter(|argument| !LAST.contains(&&*argument.name.text));
    let single = usual.clone().rfind(|argument| !page.has_lines(argument.span));
    // Beside nothing but what repeats the block, something of its own is better.
    let only_meta = single.is_some_and(|argument| matches!(&*argument.name.text, "for_each" | "count"));
    let single = if only_meta { None } else { single };
    single.or(usual.clone().next_back()).or(all.last()).copied()
}

/// A new block behind the last of its type.
pub(super) fn block(
    page: &Page<'_>,
    within: Span,
    kind: &str,
    value: &Map<String, Value>,
    lists_are_blocks: bool,
) -> Option<Vec<Vec<Splice>>> {
    let around = block_at(page, within)?;
    let line_break = page.line_break();
    let siblings: Vec<&Block> = around.body.blocks().filter(|block| &*block.kind.text == kind).collect();
    let known = siblings.last().map_or_else(Like::default, |sibling| like(&sibling.body));
    let like = if lists_are_blocks { known.with_blocks_of(value) } else { known };
    let splice = match siblings.last() {
        Some(last) => {
            if !page.begins_line(last.span.start) || !page.ends_line(last.span.end) {
                return None;
            }
            let indent = page.indent(last.span.start);
            let words = print::block(kind, value, &like, indent, line_break);
            let gap = if follows_blank(page, leading(page, last.span.start, false)) || siblings.len() == 1 {
                line_break
            } else {
                ""
            };
            let at = page.next_line(last.span.end);
            Splice::new(Span::empty(at), format!("{gap}{indent}{words}{line_break}"))
        }
        None => {
            let outer = page.indent(around.span.start);
            let indent = format!("{outer}  ");
            let words = print::block(kind, value, &like, &indent, line_break);
            if around.body.items.is_empty() && page.text[around.body.span.range()].trim().is_empty() {
                Splice::new(around.body.span, format!("{line_break}{indent}{words}{line_break}{outer}"))
            } else if page.begins_line(around.close.start) {
                // What says how the resource is treated stays last.
                let lifecycle = around.body.blocks().find(|block| &*block.kind.text == "lifecycle");
                match lifecycle.filter(|block| page.begins_line(block.span.start)) {
                    Some(lifecycle) => {
                        let at = page.line_start(leading(page, lifecycle.span.start, false));
                        Splice::new(Span::empty(at), format!("{indent}{words}{line_break}{line_break}"))
                    }
                    None => {
                        let at = page.line_start(around.close.start);
                        Splice::new(Span::empty(at), format!("{line_break}{indent}{words}{line_break}"))
                    }
                }
            } else {
                return None;
            }
        }
    };
    Some(vec![vec![splice]])
}

/// The names in a body.
fn like(body: &Body) -> Like {
    let mut all = Like::default();
    for item in &body.items {
        let name = match item {
            Item::Attribute(attribute) => &attribute.name.text,
            Item::Block(block) => {
                if !all.blocks.iter().any(|(known, _)| **known == *block.kind.text) {
                    all.blocks.push((block.kind.text.to_string(), like(&block.body)));
                }
                &block.kind.text
            }
        };
        if !all.names.iter().any(|known| **known == **name) {
            all.names.push(name.to_string());
        }
    }
    all
}

/// Tells whether the line above is empty.
pub(super) fn follows_blank(page: &Page<'_>, at: usize) -> bool {
    let start = page.line_start(at);
    // A byte order mark is no line.
    page.text[..start].ends_with('\n') && page.text[page.line_start(start - 1)..start].trim().is_empty()
}
