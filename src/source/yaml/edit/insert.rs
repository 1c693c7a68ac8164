//! Adds a key to a map or an item to a list.

use serde_json::{Map, Value};

use super::{
    collection::{Care, Words},
    page::Page,
    replace::Tag,
    set::{Layout, margin, pretty, set, words},
    site::Site,
    style::{Style, item_step},
};
use crate::source::{
    edit::Splice,
    span::Span,
    yaml::tree::{CollectionStyle, NodeId, NodeKind},
};

/// The splice that adds a key behind the entry `behind` of the map at `site`, or behind its last one.
pub(super) fn insert_key(
    page: Page<'_>,
    style: &Style,
    site: &Site,
    key: &str,
    value: &Value,
    behind: Option<usize>,
    care: Care,
) -> Splice {
    let words = Words { quoting: style.quoting(page, Some(site.node)), ..words(page, style, site, care) };
    let members = page.members(site.node);
    match &page.node(site.node).kind {
        NodeKind::Mapping { style: CollectionStyle::Block, .. } if !members.is_empty() => {
            let column = page.column(members[0].start);
            let end = page.tail(members[behind.unwrap_or(members.len() - 1)].end, column);
            let words = Words { list_offset: style.list_offset(page, end), ..words };
            Splice::new(Span::empty(end), below(words.entry(key, value, column)))
        }
        NodeKind::Mapping { .. }
            if !members.is_empty() && !page.text[page.node(site.node).span.start..].starts_with('{') =>
        {
            // `[a: 1]`: a map of one key inside of a list needs no braces, but one of two does.
            let span = page.node(site.node).span;
            let old = page.slice(span.start, span.end);
            Splice::new(span, format!("{{{old}, {}}}", words.flow_entry(key, value)))
        }
        NodeKind::Mapping { .. } if !members.is_empty() => {
            let behind = behind.unwrap_or(members.len() - 1);
            let column = margin(page, members[behind].start);
            let text = match value {
                value if pretty(page, style, site.node) => {
                    format!("{}: {}", words.key(key, true), words.pretty(value, column))
                }
                value => words.flow_entry(key, value),
            };
            between(page, style, site, &members, behind, text)
        }
        _ => {
            let map: Map<String, Value> = [(key.to_owned(), value.clone())].into_iter().collect();
            first(page, style, site, &Value::Object(map), value, care)
        }
    }
}

/// The splice that adds an item before the item `index` of the list at `site`, or behind its last one.
pub(super) fn insert_item(
    page: Page<'_>,
    style: &Style,
    site: &Site,
    index: usize,
    value: &Value,
    care: Care,
) -> Splice {
    let mut words = Words { quoting: style.quoting(page, Some(site.node)), ..words(page, style, site, care) };
    let members = page.members(site.node);
    match &page.node(site.node).kind {
        NodeKind::Sequence { style: CollectionStyle::Block, items } if !members.is_empty() => {
            let column = page.column(members[0].start);
            let sibling = index.saturating_sub(1).min(items.len() - 1);
            words.item_step = item_step(page, members[sibling].start, page.outer(items[sibling].node).start);
            let lines = words.item(value, column);
            if index >= members.len() {
                let end = page.tail(members[members.len() - 1].end, column);
                return Splice::new(Span::empty(end), below(lines));
            }
            let start = members[index].start;
            if index == 0 || !page.starts_line(start) {
                let text = format!("{}\n{}", lines.join("\n").trim_start_matches(' '), " ".repeat(column));
                return Splice::new(Span::empty(start), text);
            }
            let at = page.lead(page.line_start(start), column);
            Splice::new(Span::empty(at), format!("{}\n", lines.join("\n")))
        }
        NodeKind::Sequence { .. } if !members.is_empty() => {
            let text = |at: usize| match value {
                value if pretty(page, style, site.node) => words.pretty(value, margin(page, at)),
                value => words.flow(value, true),
            };
            if index > 0 {
                let behind = index.min(members.len()) - 1;
                return between(page, style, site, &members, behind, text(members[behind].start));
            }
            let start = members[0].start;
            let own_line = page.starts_line(start);
            let gap = match (own_line, style.compact) {
                (true, _) => format!("\n{}", " ".repeat(page.column(start))),
                (false, true) => String::new(),
                (false, false) => " ".to_owned(),
            };
            Splice::new(Span::empty(start), format!("{},{gap}", text(start)))
        }
        _ => first(page, style, site, &Value::Array(vec![value.clone()]), value, care),
    }
}

/// The splice that writes a root where a document has none.
pub(super) fn insert_root(page: Page<'_>, style: &Style, value: &Value, care: Care) -> Splice {
    let words = Words { style, quoting: style.quoting(page, None), care, list_offset: 0, item_step: 2 };
    let lines = match value {
        Value::Object(map) if !map.is_empty() => words.entries(map, 0),
        Value::Array(items) if !items.is_empty() => words.items(items, 0),
        value => vec![words.flow(value, false)],
    };
    let document = page.document.span;
    let end = page.document.end_marker.map_or(document.end, |marker| marker.start);
    let bom = if document.start == 0 && page.text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let start = document.start + bom;
    let written = page.slice(start, end).trim_end();
    if written.is_empty() {
        return Splice::new(Span::empty(start), format!("{}\n", lines.join("\n")));
    }
    Splice::new(Span::empty(start + written.len()), below(lines))
}

/// The same insertion where a file ends within a block scalar and without a line break: the scalar does not have that
/// break, and is told so by a `-`, before lines follow. Nothing for other insertions.
pub(super) fn behind_open_block(page: Page<'_>, splice: &Splice) -> Option<Splice> {
    let end = page.text.len();
    let blocks = (0..page.document.nodes.len()).map(NodeId).filter(|id| page.is_block_scalar(*id));
    let span = blocks.map(|id| page.node(id).span).find(|span| span.end == end && splice.span == Span::empty(end))?;
    let body = page.slice(page.line_end(span.start), end);
    let first = page.slice(span.start, page.line_end(span.start));
    let (header, comment) = first.split_at(first.find([' ', '\t']).unwrap_or(first.len()));
    let header = header.trim_end_matches('+');
    Some(Splice::new(Span::new(span.start, end), format!("{header}-{comment}{body}{}", splice.text)))
}

/// Writes a collection of one member where an empty one or none was; `member` is what is new.
fn first(page: Page<'_>, style: &Style, site: &Site, collection: &Value, member: &Value, care: Care) -> Splice {
    let node = page.node(site.node);
    if let NodeKind::Mapping { .. } | NodeKind::Sequence { .. } = node.kind
        && page.slice(node.span.start, node.span.end).contains('#')
    {
        // A comment stands inside the brackets.
        let words = words(page, style, site, care);
        let text = words.flow(collection, true);
        return Splice::new(Span::empty(node.span.end - 1), &text[1..text.len() - 1]);
    }
    let in_brackets = matches!(node.kind, NodeKind::Mapping { .. } | NodeKind::Sequence { .. });
    let nested = match member {
        Value::Object(map) => !map.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    let is_all = Some(site.node) == page.document.root;
    let block = !in_brackets || nested || is_all || style.prefers_block(page, site.node, collection.is_array());
    set(page, style, site, collection, if block { Layout::Block } else { Layout::Flow }, Tag::Keep, care)
}

/// Adds a member to a flow collection behind another one.
fn between(page: Page<'_>, style: &Style, site: &Site, members: &[Span], behind: usize, text: String) -> Splice {
    let end = members[behind].end;
    let last = behind + 1 == members.len();
    let close = page.node(site.node).span.end - 1;
    let own_line = page.starts_line(members[behind].start);
    if !own_line {
        let gap = if style.compact { "" } else { " " };
        return Splice::new(Span::empty(end), format!(",{gap}{text}"));
    }
    let margin = " ".repeat(page.column(members[behind].start));
    let comma = comma(page, end, if last { close } else { members[behind + 1].start });
    match comma {
        // The comment behind the comma stays with the member before.
        Some(comma) => {
            let at = page.with_comment(comma + 1);
            let at = if at <= close { at } else { comma + 1 };
            Splice::new(Span::empty(at), format!("\n{margin}{text},"))
        }
        None => {
            let comment = page.slice(end, page.with_comment(end));
            Splice::new(Span::new(end, end + comment.len()), format!(",{comment}\n{margin}{text}"))
        }
    }
}

/// The comma between two bytes, outside of comments.
pub(super) fn comma(page: Page<'_>, mut start: usize, end: usize) -> Option<usize> {
    while start < end {
        let rest = page.slice(start, end);
        let found = start + rest.find([',', '#'])?;
        if page.text.as_bytes()[found] == b',' {
            return Some(found);
        }
        start = page.line_end(found);
    }
    None
}

fn below(lines: Vec<String>) -> String {
    lines.iter().map(|line| format!("\n{line}")).collect()
}
