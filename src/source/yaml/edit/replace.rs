//! Puts worded text in the place of a node: what goes with the old text, what stays, and on which line the new one begins.

use super::{
    collection::{Columns, Worded},
    page::{Page, is_blank},
    site::{Holder, Site},
};
use crate::source::{edit::Splice, span::Span};

/// What happens to the node's tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    Keep,
    Drop,
}

/// The parts of a block scalar.
pub(super) struct BlockParts<'t> {
    /// `|`, `>-`, `|2+`.
    pub(super) header: &'t str,
    /// The blanks and the comment behind the header.
    pub(super) comment: &'t str,
    /// The lines below, without their breaks.
    pub(super) lines: Vec<&'t str>,
    /// The byte behind the last line with text.
    pub(super) end: usize,
}

impl<'t> BlockParts<'t> {
    /// Takes the bytes of a block scalar apart.
    pub(super) fn of(page: Page<'t>, span: Span) -> Self {
        let first = page.slice(span.start, page.line_end(span.start).min(span.end));
        let header = &first[..first.find([' ', '\t', '#']).unwrap_or(first.len())];
        let comment = if first.contains('#') { first[header.len()..].trim_end() } else { "" };
        let mut lines: Vec<&str> = page.slice(span.start, span.end).split('\n').skip(1).collect();
        for line in &mut lines {
            *line = line.strip_suffix('\r').unwrap_or(line);
        }
        let text = page.slice(span.start, span.end).trim_end_matches(['\n', '\r', ' ']);
        let end = page.line_end(span.start + text.len()).min(span.end);
        Self { header, comment, lines, end }
    }
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
    let anchored = node.anchor().map(|anchor| page.slice(anchor.start, anchor.end));
    let (start, anchor) = match (node.tag(), node.anchor()) {
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
        let outside = columns.around.unwrap_or(0);
        (own.map_or("", |own| page.slice(start, own.end)), page.tail(node.span.end, outside))
    } else if page.is_block_scalar(site.node) {
        let parts = BlockParts::of(page, node.span);
        (parts.comment, parts.end)
    } else {
        let end = page.with_comment(node.span.end);
        (page.slice(node.span.end, end), end)
    };
    Old { start, glue, anchor, comment, end }
}

/// Puts worded text in the place of a node; comments on its line stay.
pub(super) fn replace(page: Page<'_>, site: &Site, tag: Tag, worded: Worded, columns: Columns) -> Splice {
    let node = page.node(site.node);
    let Old { start, glue, anchor, comment, end } = old(page, site, tag, columns);
    let kept = tag == Tag::Keep || node.tag().is_none();
    let is_token = !page.is_block_collection(site.node) && !page.is_block_scalar(site.node);
    let anchored = if anchor.is_empty() { String::new() } else { format!("{anchor} ") };
    let (head, lines) = match worded {
        Worded::Inline(text) if is_token && kept && node.span.is_empty() => return fill(page, site, &text),
        Worded::Inline(text) if is_token && kept => return Splice::new(node.span, text),
        Worded::Inline(text) => {
            return Splice::new(Span::new(start, end), format!("{glue}{anchored}{text}{comment}"));
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
        let last = if !head.contains('-') && end == page.text.len() { "\n" } else { "" };
        return shrunk(page, Span::new(start, end), &format!("{glue}{anchored}{head}{comment}{}{last}", rest(&lines)));
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
