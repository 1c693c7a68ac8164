//! The fields that a path leads to.
//!
//! Sources are looked up (`PathGetter`), where `[name=cart]` is a value; targets are matched (`PathMatcher`), where it is a
//! regular expression that any part of the printed value must match, with the comment behind it.

use super::field_path::FieldPath;
use crate::{
    engine::kustomize::{
        context::Context,
        leaf::Leaf,
        node::{Content, Entry, Node, Scalar, Style, Tag},
        problem::Problem,
        selector::pattern::Pattern,
    },
    source::lineage::text::{MadeOf, Text},
};

/// The one field that a path leads to; nothing where there is none.
pub(super) fn lookup<'n>(
    object: &'n Node,
    path: &FieldPath,
    context: &mut Context<'_>,
) -> Result<Option<&'n Node>, Problem> {
    let mut node = object;
    for part in path.parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty()) {
        context.spend(1 + node.items().map_or(0, <[Node]>::len))?;
        let next = if let Ok(index) = part.parse::<i64>() {
            let index = usize::try_from(index)
                .map_err(|_| Problem::broken(format!("array index {index} cannot be negative")))?;
            items(node)?.get(index)
        } else if part == "-" {
            let last = items(node)?.last();
            Some(last.ok_or_else(|| Problem::broken("the last item of an empty list"))?)
        } else if part == "*" {
            return Err(Problem::broken("wildcard is not supported in PathGetter"));
        } else if let Some((name, value)) = selector(part)? {
            items(node)?.iter().find(|item| {
                let found = if name.is_empty() { Some(*item) } else { item.get(name) };
                found.is_some_and(|found| super::said(found).bytes() == value.as_bytes())
            })
        } else {
            fields(node)?;
            node.get(part)
        };
        match next {
            Some(next) => node = next,
            None => return Ok(None),
        }
    }
    Ok(Some(node))
}

/// What a new field becomes.
#[derive(Clone, Copy, Debug)]
pub(super) enum New {
    Scalar,
    List,
    Map,
}

/// A field that a path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// By the positions in lists and maps.
    At(Vec<usize>),
    /// One made inside of null, which stays null when it is printed.
    Lost,
}

/// Finds the fields that a path leads to.
pub(super) struct Finder<'f, 't> {
    pub(super) path: &'f FieldPath,
    /// What the last field becomes where it is not there; without, nothing is made.
    pub(super) create: Option<New>,
    pub(super) context: &'f mut Context<'t>,
    pub(super) found: Vec<Found>,
}

impl Finder<'_, '_> {
    /// Goes on from a node at a part of the path and tells whether anything is found.
    pub(super) fn find(&mut self, node: &mut Node, part: usize, at: &mut Vec<usize>) -> Result<bool, Problem> {
        self.context.spend(1)?;
        let Some(text) = self.path.parts.get(part).cloned() else {
            self.found.push(Found::At(at.clone()));
            return Ok(true);
        };
        if let Ok(index) = text.parse::<i64>()
            && let Ok(index) = usize::try_from(index)
        {
            return self.find_index(node, index, part, at);
        }
        if let Some((name, pattern)) = selector(&text)? {
            let pattern = Pattern::anywhere(pattern)?;
            if self.find_selected(node, name, &pattern, part, at)? {
                return Ok(true);
            }
            if self.create.is_none() {
                return Ok(false);
            }
            if node.is_null() {
                return Ok(self.lost());
            }
            let (name, value) = selector(&text)?.unwrap_or_default();
            let item = self.selected_item(name, value);
            list_of(node)?.push(item);
            return if self.find_selected(node, name, &pattern, part, at)? {
                Ok(true)
            } else {
                Err(Problem::unsupported(format!("an item made for {text}, which that does not match")))
            };
        }
        if text == "*" {
            let mut is_found = false;
            for index in 0..items(node)?.len() {
                is_found |= self.descend(&mut list_of(node)?[index], index, part + 1, at)?;
            }
            return Ok(is_found);
        }
        self.find_field(node, &text, part, at)
    }

    fn find_field(&mut self, node: &mut Node, name: &str, part: usize, at: &mut Vec<usize>) -> Result<bool, Problem> {
        if name.is_empty() {
            return Err(Problem::unsupported(format!("an empty part in the field path {:?}", self.path.text)));
        }
        if node.is_null() {
            return Ok(self.create.is_some() && self.lost());
        }
        fields(node)?;
        let value = self.create.map(|_| self.new_node(part));
        let key = self.made(name);
        let Some(entries) = node.entries_mut() else { return Ok(false) };
        self.context.spend(entries.len())?;
        let index = entries.iter().position(|entry| entry.key.bytes() == name.as_bytes());
        let index = match (index, value) {
            (Some(index), _) => index,
            (None, Some(value)) => {
                entries.push(Entry { key, value });
                entries.len() - 1
            }
            (None, None) => return Ok(false),
        };
        self.descend(&mut entries[index].value, index, part + 1, at)
    }

    fn find_index(&mut self, node: &mut Node, index: usize, part: usize, at: &mut Vec<usize>) -> Result<bool, Problem> {
        let length = items(node)?.len();
        if length == index && self.create.is_some() {
            if node.is_null() {
                return Ok(self.lost());
            }
            let new = self.new_node(part);
            list_of(node)?.push(new);
        } else if length <= index {
            return Err(Problem::broken(format!("index {index} specified but only {length} elements found")));
        }
        self.descend(&mut list_of(node)?[index], index, part + 1, at)
    }

    fn find_selected(
        &mut self,
        node: &mut Node,
        name: &str,
        pattern: &Pattern,
        part: usize,
        at: &mut Vec<usize>,
    ) -> Result<bool, Problem> {
        let mut is_found = false;
        for index in 0..items(node)?.len() {
            self.context.spend(1)?;
            let item = &mut list_of(node)?[index];
            let compared = if name.is_empty() { Some(&*item) } else { item.get(name) };
            let Some(compared) = compared else { continue };
            if !self.is_selected(compared, pattern)? {
                continue;
            }
            // Of single values the rest of the path is not looked at.
            let rest = if name.is_empty() { self.path.parts.len() } else { part + 1 };
            is_found |= self.descend(item, index, rest, at)?;
        }
        Ok(is_found)
    }

    /// Tells whether a printed value matches.
    fn is_selected(&mut self, node: &Node, pattern: &Pattern) -> Result<bool, Problem> {
        let Some(scalar) = node.as_scalar() else {
            return Err(Problem::unsupported(format!("{} compares a list or map", self.path.text)));
        };
        if pattern.has_anchor() {
            return Err(Problem::unsupported(format!("an anchor in a selector of {}", self.path.text)));
        }
        let said = scalar.text.lossy();
        if pattern.is_match(&said) {
            return Ok(true);
        }
        match comment_behind(node, self.context) {
            Some(comment) if pattern.is_match(&format!("{said} {comment}")) => {
                let path = &self.path.text;
                Err(Problem::unsupported(format!(
                    "{path} matches the comment behind {said:?}, as it does for Kustomize"
                )))
            }
            _ => Ok(false),
        }
    }

    fn descend(&mut self, node: &mut Node, index: usize, part: usize, at: &mut Vec<usize>) -> Result<bool, Problem> {
        at.push(index);
        let found = self.find(node, part, at);
        at.pop();
        found
    }

    fn lost(&mut self) -> bool {
        self.found.push(Found::Lost);
        true
    }

    /// What is made for a part of the path (`getPathPartKind`).
    fn new_node(&self, part: usize) -> Node {
        let new = match self.path.parts.get(part + 1).map(String::as_str) {
            None | Some("") => self.create.unwrap_or(New::Map),
            Some(next) if is_bracketed(next) || next.parse::<i64>().is_ok_and(|index| index >= 0) => New::List,
            Some(_) => New::Map,
        };
        let content = match new {
            New::Scalar => Content::Scalar(Scalar { text: Text::default(), tag: Tag::Unresolved, style: Style::Plain }),
            New::List => Content::List(Vec::new()),
            New::Map => Content::Map(Vec::new()),
        };
        Node { content, places: self.path.places }
    }

    fn selected_item(&self, name: &str, value: &str) -> Node {
        let value = Node { places: self.path.places, ..Node::scalar(self.made(value), Tag::Unresolved) };
        if name.is_empty() {
            return value;
        }
        let entry = Entry { key: self.made(name), value };
        Node { content: Content::Map(vec![entry]), places: self.path.places }
    }

    fn made(&self, text: &str) -> Text {
        Text::new(text.as_bytes(), MadeOf::Derived(self.path.places))
    }
}

/// The name and value of `[name=value]`; nothing for what is not in brackets.
fn selector(part: &str) -> Result<Option<(&str, &str)>, Problem> {
    if !is_bracketed(part) {
        return Ok(None);
    }
    let inside = part.strip_suffix(']').unwrap_or(part);
    let inside = inside.strip_prefix('[').unwrap_or(inside);
    inside
        .split_once('=')
        .map(Some)
        .ok_or_else(|| Problem::broken("list path element must contain fieldName=fieldValue for element to match"))
}

fn is_bracketed(part: &str) -> bool {
    part.starts_with('[') && part.ends_with(']')
}

/// The items of a list; none for null.
fn items(node: &Node) -> Result<&[Node], Problem> {
    match &node.content {
        Content::List(items) => Ok(items),
        _ if node.is_null() => Ok(&[]),
        _ => Err(wrong_kind("SequenceNode", node)),
    }
}

fn list_of(node: &mut Node) -> Result<&mut Vec<Node>, Problem> {
    if node.items().is_none() {
        return Err(wrong_kind("SequenceNode", node));
    }
    node.items_mut().ok_or_else(|| Problem::broken("wrong node kind"))
}

/// Whether there are fields to look for, as there are in maps and in null.
fn fields(node: &Node) -> Result<(), Problem> {
    if node.entries().is_some() || node.is_null() { Ok(()) } else { Err(wrong_kind("MappingNode", node)) }
}

fn wrong_kind(expected: &str, node: &Node) -> Problem {
    let found = match &node.content {
        Content::Scalar(_) => "ScalarNode",
        Content::List(_) => "SequenceNode",
        Content::Map(_) => "MappingNode",
    };
    Problem::broken(format!("wrong node kind: expected {expected} but got {found}"))
}

/// The comment that is written behind a scalar in its line.
fn comment_behind(node: &Node, context: &Context<'_>) -> Option<String> {
    let leaf = context.sets.leaves(node.places).next()?;
    let Leaf::Node { source, document, node } = context.sets.get(leaf) else { return None };
    let yaml = context.sources.get(*source).yaml()?;
    let document = yaml.stream.as_ref().ok()?.documents.get(*document as usize)?;
    let end = document.nodes.get(node.0)?.span.end;
    let next = document.comments.partition_point(|comment| comment.start < end);
    let comment = document.comments.get(next)?;
    let between = yaml.text.get(end..comment.start)?;
    (!between.contains('\n')).then(|| yaml.text.get(comment.start..comment.end).map(ToOwned::to_owned)).flatten()
}
