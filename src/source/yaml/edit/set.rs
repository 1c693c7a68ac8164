//! Puts another value in the place of a node.

use serde_json::Value;

use super::{
    collection::{Care, Columns, Worded, Words},
    page::{Page, is_blank},
    scalar::{self, BlockScalar, Quote},
    site::{Holder, Site},
    style::{Style, item_step},
};
use crate::source::{
    edit::Splice,
    span::Span,
    yaml::tree::{NodeId, NodeKind, ScalarStyle},
};

/// What happens to the node's tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    Keep,
    Drop,
}

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
    let block = page.is_block_scalar(site.node).then(|| block_parts(page, site))?;
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

/// The parts of a block scalar.
struct BlockParts<'t> {
    /// `|`, `>-`, `|2+`.
    header: &'t str,
    /// The blanks and the comment behind the header.
    comment: &'t str,
    /// The lines below, without their breaks.
    lines: Vec<&'t str>,
    /// The byte behind the last line with text.
    end: usize,
}

fn block_parts<'t>(page: Page<'t>, site: &Site) -> BlockParts<'t> {
    let span = page.node(site.node).span;
    let first = page.slice(span.start, page.line_end(span.start).min(span.end));
    let header = &first[..first.find([' ', '\t', '#']).unwrap_or(first.len())];
    let comment = if first.contains('#') { first[header.len()..].trim_end() } else { "" };
    let mut lines: Vec<&str> = page.slice(span.start, span.end).split('\n').skip(1).collect();
    for line in &mut lines {
        *line = line.strip_suffix('\r').unwrap_or(line);
    }
    let text = page.slice(span.start, span.end).trim_end_matches(['\n', '\r', ' ']);
    let end = page.line_end(span.start + text.len()).min(span.end);
    BlockParts { header, comment, lines, end }
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
        let parts = block_parts(page, site);
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

/// What goes when a node is replaced, and what of it stays.
struct Old<'t> {
    /// Behind the `:` or `-`, or behind the anchor and tag where these stay.
    start: usize,
    /// What stands between there and the new text: blanks as a rule.
    glue: &'t str,
    /// The anchor, where it stays but its tag does not.
    anchor: &'t str,
    /// The comment on the first line, with the blanks before it.
    comment: &'t str,
    /// The end of what goes, with the comment.
    end: usize,
}

fn old<'t>(page: Page<'t>, site: &Site, tag: Tag, columns: Columns) -> Old<'t> {
    let node = page.node(site.node);
    let anchored = node.anchor.map(|anchor| page.slice(anchor.start, anchor.end));
    let (start, anchor) = match (node.tag, node.anchor) {
        (Some(tagged), Some(anchor)) if tag == Tag::Drop && anchor.end <= tagged.start => (anchor.end, ""),
        (Some(_), _) if tag == Tag::Drop => (site.after, anchored.unwrap_or_default()),
        _ => (page.properties_end(site.node).unwrap_or(site.after), ""),
    };
    let between = page.slice(start, node.span.start.max(start));
    let glue = match between {
        "" if !node.span.is_empty() => "",
        blanks if !blanks.is_empty() && is_blank(blanks) => blanks,
        _ => " ",
    };
    let (comment, end) = if page.is_block_collection(site.node) {
        let own = page.comment_after(start).filter(|comment| comment.end <= node.span.start);
        let outside = columns.around.map_or(0, |column| column);
        (own.map_or("", |own| page.slice(start, own.end)), page.tail(node.span.end, outside))
    } else if page.is_block_scalar(site.node) {
        let parts = block_parts(page, site);
        (parts.comment, parts.end)
    } else {
        let end = page.with_comment(node.span.end);
        (page.slice(node.span.end, end), end)
    };
    Old { start, glue, anchor, comment, end }
}

/// Puts worded text in the place of a node; comments on its line stay.
fn replace(page: Page<'_>, site: &Site, tag: Tag, worded: Worded, columns: Columns) -> Splice {
    let node = page.node(site.node);
    let Old { start, glue, anchor, comment, end } = old(page, site, tag, columns);
    let kept = tag == Tag::Keep || node.tag.is_none();
    let is_token = !page.is_block_collection(site.node) && !page.is_block_scalar(site.node);
    let (head, lines) = match worded {
        Worded::Inline(text) if is_token && kept && node.span.is_empty() => return fill(page, site, &text),
        Worded::Inline(text) if is_token && kept => return Splice::new(node.span, text),
        Worded::Inline(text) => {
            let anchor = if anchor.is_empty() { String::new() } else { format!("{anchor} ") };
            return Splice::new(Span::new(start, end), format!("{glue}{anchor}{text}{comment}"));
        }
        Worded::Lines { head, lines } => (head, lines),
    };
    let rest = |lines: &[String]| lines.iter().map(|line| format!("\n{line}")).collect::<String>();
    if !page.is_block_collection(site.node) && kept && !page.on_one_line(start, node.span.start) {
        // On a line below its key: the new lines begin there, and what is between stays.
        let from = page.line_start(node.span.start);
        let (margin, comment) = (" ".repeat(columns.text), comment.trim_start());
        let above = match (comment, &head[..]) {
            ("", "") => String::new(),
            (comment, "") => format!("{}{comment}\n", &lines[0][..lines[0].len() - lines[0].trim_start().len()]),
            ("", head) => format!("{margin}{head}\n"),
            (comment, head) => format!("{margin}{head} {comment}\n"),
        };
        return shrunk(page, Span::new(from, end), &format!("{above}{}", lines.join("\n")));
    }
    if !head.is_empty() {
        let end = if head.contains('+') { after_empty_lines(page, end.max(node.span.end)) } else { end };
        let anchor = if anchor.is_empty() { String::new() } else { format!("{anchor} ") };
        let last = if !head.contains('-') && end == page.text.len() { "\n" } else { "" };
        return shrunk(page, Span::new(start, end), &format!("{glue}{anchor}{head}{comment}{}{last}", rest(&lines)));
    }
    let column = page.column(node.span.start);
    let bare = anchor.is_empty() && kept;
    if page.is_block_collection(site.node) && bare && lines[0].len() - lines[0].trim_start().len() == column {
        // In the old columns: what is above the first key or dash stays.
        let text = format!("{}{}", &lines[0][column..], rest(&lines[1..]));
        return shrunk(page, Span::new(node.span.start, end), &text);
    }
    let text = match site.holder {
        Holder::Item { column, .. } if comment.is_empty() && bare && start == site.after => {
            format!("{}{}", lines[0].get(column + 1..).unwrap_or(&lines[0]), rest(&lines[1..]))
        }
        Holder::Root if comment.is_empty() && bare && start == node.span.start => {
            format!("{}{}", lines[0], rest(&lines[1..]))
        }
        _ if anchor.is_empty() => format!("{comment}{}", rest(&lines)),
        _ => format!("{glue}{anchor}{comment}{}", rest(&lines)),
    };
    let end = if is_blank(page.slice(end, page.line_end(end))) { page.line_end(end) } else { end };
    shrunk(page, Span::new(start, end), &text)
}

/// Writes a value where none is written.
fn fill(page: Page<'_>, site: &Site, text: &str) -> Splice {
    let at = page.node(site.node).span.start;
    let rest = &page.text[at..];
    let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    let colon =
        if page.text[..at].ends_with([':', '-', '?']) || page.properties_end(site.node).is_some() { "" } else { ":" };
    // Blanks that would end up behind the value go.
    let replaced = if rest[blanks..].starts_with([',', '\n', '\r']) || rest.len() == blanks { blanks } else { 0 };
    Splice::new(Span::new(at, at + replaced), format!("{colon} {text}"))
}

/// The end of the empty lines that follow a line.
fn after_empty_lines(page: Page<'_>, end: usize) -> usize {
    let mut end = page.line_end(end);
    loop {
        let next = page.next_line(end);
        if next == end || next == page.text.len() || !is_blank(page.slice(next, page.line_end(next))) {
            return end;
        }
        end = page.line_end(next);
    }
}

/// A splice of several lines without those at its beginning and end that stay as they are.
fn shrunk(page: Page<'_>, span: Span, text: &str) -> Splice {
    let new = text.replace('\n', if page.text[span.range()].contains("\r\n") { "\r\n" } else { "\n" });
    let old = page.slice(span.start, span.end);
    let lines = |text: &str| text.split_inclusive('\n').map(str::len).collect::<Vec<_>>();
    let (old_lines, new_lines) = (lines(old), lines(&new));
    let mut start = 0;
    for (old_line, new_line) in old_lines.iter().zip(&new_lines) {
        let end = start + old_line;
        if old_line != new_line || old.get(start..end) != new.get(start..end) || !old[..end].ends_with('\n') {
            break;
        }
        start = end;
    }
    let mut end = 0;
    for (old_line, new_line) in old_lines.iter().rev().zip(new_lines.iter().rev()) {
        let longer = end + old_line;
        let fits = longer <= old.len() - start && longer <= new.len() - start;
        if old_line != new_line || !fits || old[old.len() - longer..] != new[new.len() - longer..] {
            break;
        }
        end = longer;
    }
    Splice::new(Span::new(span.start + start, span.end - end), &new[start..new.len() - end])
}
