//! Takes a key or an item away, with the comments that belong to it.

use serde_json::{Value, json};

use super::{
    collection::Care,
    insert::comma,
    page::{Page, is_blank},
    replace::Tag,
    set::{Layout, set},
    site::{Holder, Site},
    style::Style,
};
use crate::source::{
    edit::Splice,
    span::Span,
    yaml::tree::{NodeId, NodeKind},
};

/// The splices that take away the node at `site`, the best one first; `around` is the site of the collection around it.
///
/// The last key of a map leaves `{}` behind, the last item of a list `[]`: taking the collection away as well would be
/// another change.
pub(super) fn remove(page: Page<'_>, style: &Style, site: &Site, around: &Site) -> Vec<Splice> {
    let members = page.members(around.node);
    let index = match site.holder {
        Holder::Root => return Vec::new(),
        Holder::Entry { index, .. } | Holder::Item { index, .. } | Holder::Flow { index } => index,
    };
    if members.len() == 1 {
        let mut splice = set(page, style, around, &empty(page, around.node), Layout::Flow, Tag::Keep, Care::Natural);
        if page.is_block_collection(around.node) {
            // Comments below in the member's own column are not the member's.
            let end = page.tail(members[0].end, page.column(members[0].start));
            splice.span.end = splice.span.end.min(end).max(splice.span.start);
        }
        return vec![splice];
    }
    if site.in_flow() {
        return vec![from_flow(page, around.node, &members, index)];
    }
    let tries = [(true, false), (false, false), (false, true)];
    tries
        .into_iter()
        .filter_map(|(blank_lines, last_break)| from_block(page, &members, index, blank_lines, last_break))
        .collect()
}

fn empty(page: Page<'_>, collection: NodeId) -> Value {
    match page.node(collection).kind {
        NodeKind::Sequence { .. } => json!([]),
        _ => json!({}),
    }
}

/// Takes the lines of a member away. With `blank_lines`, one of the two gaps around it goes as well; with `last_break`, a
/// file that ended without a line break has one afterwards, which may belong to a block scalar before.
fn from_block(page: Page<'_>, members: &[Span], index: usize, blank_lines: bool, last_break: bool) -> Option<Splice> {
    let member = members[index];
    let column = page.column(member.start);
    let end = page.tail(member.end, column);
    if !page.starts_line(member.start) {
        // On the line of a dash: the next member moves up, with the comments before it.
        let next = members.get(index + 1)?.start;
        let comment = page.document.comments.iter().find(|comment| comment.start >= end);
        let comment = comment.map_or(next, |comment| comment.start);
        return Some(Splice::new(Span::new(member.start, comment.min(next)), ""));
    }
    let line = page.line_start(member.start);
    let mut start = if index == 0 { line } else { page.lead(line, column) };
    let mut after = page.next_line(end);
    if blank_lines {
        let blank = |start: usize| page.next_line(start) > start && is_blank(page.slice(start, page.line_end(start)));
        let above = |start: usize| page.line_above(start);
        if above(start).is_none_or(blank) && after < page.text.len() {
            while blank(after) {
                after = page.next_line(after);
            }
        } else if after == page.text.len() {
            while let Some(at) = above(start).filter(|at| blank(*at)) {
                start = at;
            }
        }
    }
    let no_final_break = after == page.text.len() && !page.text.ends_with('\n');
    if no_final_break
        && !last_break
        && let Some(above) = page.line_above(start)
    {
        // The line before loses its break, so that the file still ends without one.
        start = page.line_end(above);
    }
    Some(Splice::new(Span::new(start, after), ""))
}

/// Takes a member and one comma away.
fn from_flow(page: Page<'_>, collection: NodeId, members: &[Span], index: usize) -> Splice {
    let member = members[index];
    let close = page.node(collection).span.end - 1;
    let next = members.get(index + 1).map(|next| next.start);
    let own_comma = comma(page, member.end, next.unwrap_or(close));
    let behind = own_comma.map_or(member.end, |comma| comma + 1);
    let own_lines = page.starts_line(member.start) && {
        let end = page.with_comment(behind);
        is_blank(page.slice(end, page.line_end(end)))
    };
    if own_lines {
        let line = page.line_start(member.start);
        let start = if index == 0 { line } else { page.lead(line, page.column(member.start)) };
        let end = page.next_line(page.with_comment(behind));
        if own_comma.is_some() || index == 0 {
            return Splice::new(Span::new(start, end), "");
        }
        // The member before becomes the last one and gives its comma up.
        let before = members[index - 1].end;
        if let Some(comma) = comma(page, before, start) {
            let between = format!("{}{}", page.slice(before, comma), page.slice(comma + 1, start));
            return Splice::new(Span::new(before, end), between);
        }
    }
    match next {
        Some(next) if page.on_one_line(member.end, next) || index == 0 => {
            Splice::new(Span::new(member.start, next), "")
        }
        Some(_) => {
            // The last one of its line: what is behind the comma stays.
            let before = members[index - 1].end;
            Splice::new(Span::new(before, member.end), "")
        }
        None => Splice::new(Span::new(members[index - 1].end, member.end), ""),
    }
}
