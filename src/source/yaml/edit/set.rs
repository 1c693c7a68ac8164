//! Words another value for a node: in its own style where that can hold the value, else in that of its neighbours.

use serde_json::Value;

use super::{
    collection::{Care, Columns, Worded, Words},
    page::{Page, is_blank},
    replace::{BlockParts, Tag, replace},
    scalar::{self, BlockScalar, Quote},
    site::{Holder, Site},
    style::{Style, item_step},
};
use crate::source::{
    edit::Splice,
    yaml::tree::{NodeId, NodeKind, ScalarStyle},
};

/// How a collection that replaces something else is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// In lines, unless what it replaces is in brackets.
    AsBefore,
    /// In lines.
    Block,
    /// In brackets.
    Flow,
}

/// The splice that puts `value` where the node of `site` is.
pub(super) fn set(
    page: Page<'_>,
    style: &Style,
    site: &Site,
    value: &Value,
    layout: Layout,
    tag: Tag,
    care: Care,
) -> Splice {
    let words = words(page, style, site, care);
    let columns = columns(page, style, site, words);
    if let Some(block) = reworded_block(page, site, value, columns, care) {
        return replace(page, site, tag, Worded::Lines { head: block.header, lines: block.lines }, columns);
    }
    let worded = match value {
        Value::String(text) => string(page, site, text, words, columns),
        value if site.collection().map_or(style.pretty, |around| pretty(page, style, around)) => {
            Worded::Inline(words.pretty(value, margin(page, page.outer(site.node).start)))
        }
        value if site.in_flow() || style.json => Worded::Inline(words.flow(value, site.in_flow())),
        value => {
            let node = page.node(site.node);
            let in_brackets = !page.is_block_collection(site.node)
                && matches!(node.kind, NodeKind::Sequence { .. } | NodeKind::Mapping { .. });
            match layout {
                Layout::AsBefore if in_brackets && node.span.len() > 2 => Worded::Inline(words.flow(value, false)),
                Layout::Flow => Worded::Inline(words.flow(value, false)),
                Layout::AsBefore | Layout::Block => words.block(value, columns),
            }
        }
    };
    replace(page, site, tag, worded, columns)
}

/// Tells whether a collection in JSON that is new in another one gets lines of its own: where the file has lines, and the
/// other members of that collection are not on one line each.
pub(super) fn pretty(page: Page<'_>, style: &Style, around: NodeId) -> bool {
    style.pretty
        && !page.children(around).into_iter().any(|child| {
            let span = page.node(child).span;
            !page.members(child).is_empty() && page.on_one_line(span.start, span.end)
        })
}

/// The words for a site, quoted as its neighbours are, or as the members of the collection that is there.
pub(super) fn words<'s>(page: Page<'_>, style: &'s Style, site: &Site, care: Care) -> Words<'s> {
    let members = page.members(site.node);
    Words {
        style,
        quoting: style.quoting(page, if members.is_empty() { site.collection() } else { Some(site.node) }),
        care,
        list_offset: style.list_offset(page, page.node(site.node).span.start),
        item_step: 2,
    }
}

/// The blanks before the first thing on the line of a byte.
pub(super) fn margin(page: Page<'_>, at: usize) -> usize {
    let start = page.line_start(at);
    page.text[start..].len() - page.text[start..].trim_start_matches(' ').len()
}

/// Words a string as the scalar that it replaces is worded, as far as that can hold it.
fn string(page: Page<'_>, site: &Site, text: &str, words: Words<'_>, columns: Columns) -> Worded {
    let flow = site.in_flow();
    let old = &page.node(site.node).kind;
    let lines = text.contains('\n') && !flow && !words.style.json;
    let quote = |quote| if words.care == Care::Quoted { Quote::Double } else { quote };
    match old {
        NodeKind::Scalar { style: ScalarStyle::DoubleQuoted, text: old } if !lines || old.contains('\n') => {
            Worded::Inline(scalar::double_quoted(text))
        }
        NodeKind::Scalar { style: ScalarStyle::SingleQuoted, .. } if !lines => {
            Worded::Inline(scalar::quoted(text, quote(Quote::Single)))
        }
        NodeKind::Scalar { style: ScalarStyle::Plain, text: old }
            if !lines && words.care != Care::Quoted && scalar::is_plain(old, flow) && scalar::is_plain(text, flow) =>
        {
            Worded::Inline(text.to_owned())
        }
        _ if lines => words.block(&Value::String(text.to_owned()), columns),
        _ => Worded::Inline(words.string(text, flow)),
    }
}

/// Words a string as the block scalar that it replaces; nothing where there is none, or where the string is better off on
/// the line of the key.
fn reworded_block(page: Page<'_>, site: &Site, value: &Value, columns: Columns, care: Care) -> Option<BlockScalar> {
    let (Value::String(text), NodeKind::Scalar { style, text: old }) = (value, &page.node(site.node).kind) else {
        return None;
    };
    let block = page.is_block_scalar(site.node).then(|| BlockParts::of(page, page.node(site.node).span))?;
    let one_line = |text: &str| !text.trim_end_matches('\n').contains('\n');
    if care != Care::Natural || one_line(text) && !text.ends_with('\n') && !one_line(old) {
        return None;
    }
    let keep = block.header.contains('+');
    let digit = block.header.contains(|c: char| c.is_ascii_digit());
    let literal = || scalar::literal(text, columns.text, columns.around, digit, keep);
    if *style == ScalarStyle::Folded {
        let lines: Vec<&str> = block.lines.iter().map(|line| line.get(columns.text..).unwrap_or_default()).collect();
        return scalar::folded(text, &lines, columns.text, columns.around, digit, keep).or_else(literal);
    }
    literal()
}

/// Where a new value goes in block style: as far to the right as what it replaces, else as the document's unit says.
fn columns(page: Page<'_>, style: &Style, site: &Site, words: Words<'_>) -> Columns {
    let (map, list, text, around) = match site.holder {
        Holder::Root | Holder::Flow { .. } => (0, 0, style.unit, None),
        Holder::Entry { column, .. } => {
            (column + style.unit, column + words.list_offset, column + style.unit, Some(column))
        }
        Holder::Item { column, .. } => {
            let start = page.outer(site.node).start;
            let step = if page.on_one_line(site.after, start) { item_step(page, site.after - 1, start) } else { 2 };
            (column + step, column + step, column + style.unit.max(2), Some(column))
        }
    };
    let mut columns = Columns { map, list, text, around };
    let node = page.node(site.node);
    if page.is_block_collection(site.node) {
        match node.kind {
            NodeKind::Mapping { .. } => columns.map = page.column(node.span.start),
            _ => columns.list = page.column(node.span.start),
        }
    } else if page.is_block_scalar(site.node) {
        let parts = BlockParts::of(page, page.node(site.node).span);
        let digit = parts.header.bytes().find(u8::is_ascii_digit).map(|digit| usize::from(digit - b'0'));
        let first = parts.lines.iter().find(|line| !is_blank(line));
        let found = match digit {
            Some(digit) => Some(around.unwrap_or(0) + digit),
            None => first.map(|line| line.len() - line.trim_start_matches(' ').len()),
        };
        columns.text = found.unwrap_or(columns.text);
    }
    columns
}
