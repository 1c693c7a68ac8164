//! What is added beside something that a template says in lines of its own.
//!
//! A map or list mostly ends with what an action prints, and behind that there is no text of its own to put anything in: the
//! next line may belong to another block. Its other keys and items are better known.

use serde_json::Value;

use super::printed::{Printed, said_at, text_site};
use crate::{
    engine::{
        helm::{lineage::Lineage, template::leaf::FileId},
        site::{Found, Site},
    },
    model::{
        change::{Action, Change},
        pointer::Pointer,
    },
    source::{
        span::Span,
        yaml::{
            edit,
            resolve::Reader,
            tree::{CollectionStyle, NodeKind},
        },
    },
};

/// How many siblings a key is tried before.
const MAX_SIBLINGS: usize = 3;

/// Adds the places for a key or item.
pub fn add(printed: &Printed<'_>, lineage: &Lineage, step: &Change, found: &mut Found) {
    match &step.action {
        Action::AddKey { key, .. } if lineage.might_print(&printed.silent(&step.at), key) => {}
        Action::AddKey { key, value } => {
            let lines = |column| lines("_: 1\n", column, &insert_key(key, value));
            found.add(first_key(printed, lineage, (&step.at, key), lines));
            found.add(before_siblings(printed, lineage, (&step.at, key), lines));
        }
        Action::AddItem { index, value } => {
            let lines = |column| lines("- 1\n", column, &edit::Change::InsertItem { index: 1, value: value.clone() });
            found.add(behind_item(printed, lineage, &step.at, *index, lines));
        }
        Action::Set(_) | Action::Remove => {}
    }
}

/// A key as the first one below its map's own key, where that stands in a template and what follows does not.
fn first_key(
    printed: &Printed<'_>,
    lineage: &Lineage,
    (at, key): (&Pointer, &str),
    lines: impl Fn(usize) -> Option<String>,
) -> Option<Site> {
    let (yaml, found) = (printed.yaml()?, printed.found(at)?);
    let NodeKind::Mapping { style: CollectionStyle::Block, entries } = &yaml.node(found.node).kind else {
        return None;
    };
    let first = yaml.node(entries.first()?.key).span.start;
    let bytes = printed.document.text().bytes();
    let column = first - bytes[..first].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let (file, offset) = said_at(lineage, printed.key(at).last()?.made_of)?;
    let end = offset + lineage.text_of(file)?.get(offset..)?.find('\n')? + 1;
    let lines = lines(column).filter(|lines| !lineage.would_repeat(file, key, lines))?;
    put_in(lineage, file, end, lines)
}

/// A key on the lines before a sibling's that stands in a template by itself, under nothing that the first key does not stand
/// under. The last sibling comes first.
fn before_siblings(
    printed: &Printed<'_>,
    lineage: &Lineage,
    (at, key): (&Pointer, &str),
    lines: impl Fn(usize) -> Option<String>,
) -> Vec<Site> {
    let is_block = printed.yaml().zip(printed.found(at)).is_some_and(|(yaml, found)| {
        matches!(&yaml.node(found.node).kind, NodeKind::Mapping { style: CollectionStyle::Block, .. })
    });
    let children = if is_block { printed.children(at) } else { Vec::new() };
    let Some(control) = children.first().and_then(|first| printed.key(first).first().map(|slice| slice.control)) else {
        return Vec::new();
    };
    let before = |sibling: &Pointer| {
        let [slice] = &printed.key(sibling)[..] else { return None };
        let (file, offset) = said_at(lineage, slice.made_of).filter(|_| slice.control == control)?;
        let above = lineage.text_of(file)?.get(..offset)?;
        let line = above.rfind('\n').map_or(0, |at| at + 1);
        let is_alone = above[line..].bytes().all(|byte| byte == b' ');
        let lines = lines(offset - line).filter(|lines| is_alone && !lineage.would_repeat(file, key, lines))?;
        put_in(lineage, file, line, lines)
    };
    children.iter().skip(1).rev().filter_map(before).take(MAX_SIBLINGS).collect()
}

/// An item on the lines behind those of the item before it.
fn behind_item(
    printed: &Printed<'_>,
    lineage: &Lineage,
    at: &Pointer,
    index: usize,
    lines: impl Fn(usize) -> Option<String>,
) -> Option<Site> {
    let (file, span) = printed.template_lines(lineage, &at.join(index.checked_sub(1)?.to_string()))?;
    let item = lineage.text_of(file)?.get(span.range())?;
    let column = item.len() - item.trim_start_matches(' ').len();
    let is_whole = item[column..].starts_with("- ") && item.ends_with('\n');
    put_in(lineage, file, span.end, lines(column).filter(|_| is_whole)?)
}

fn insert_key(key: &str, value: &Value) -> edit::Change {
    edit::Change::InsertKey { key: key.to_owned(), value: value.clone() }
}

/// What is added behind the only entry of a block collection, as lines that begin in a column.
fn lines(alone: &str, column: usize, change: &edit::Change) -> Option<String> {
    let worded = edit::edit(alone, 0, &Pointer::root(), change, Reader::Manifest).ok()?.apply(alone);
    let lines = worded.strip_prefix(alone).filter(|lines| !lines.contains("{{"))?;
    let indent = " ".repeat(column);
    Some(lines.lines().map(|line| format!("{indent}{line}\n")).collect())
}

/// Lines that are put into the text of a template.
fn put_in(lineage: &Lineage, file: FileId, at: usize, lines: String) -> Option<Site> {
    text_site(lineage, (file, Span::empty(at)), "", lines)
}
