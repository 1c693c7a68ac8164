//! What a build leaves behind: enough to tell where every byte of its output is written.

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    rc::Rc,
};

use super::{
    kustomization::NAMES,
    leaf::{Leaf, SourceId},
    sources::{Inside, Source, Yaml},
};
use crate::{
    model::pointer::Pointer,
    source::{
        lineage::{
            Address, Origin, Role,
            sets::{LeafId, SetId, Sets},
        },
        path::RepoPath,
        span::Span,
        yaml::tree::{Document, NodeId, NodeKind, ScalarStyle},
    },
};

/// The origins of a build.
#[derive(Debug)]
pub struct Lineage {
    /// All leaves and sets of them.
    sets: Sets<Leaf>,
    /// The files and texts, by number.
    sources: Vec<Source>,
    /// Those of them that are patches.
    patches: HashSet<SourceId>,
    indexes: RefCell<HashMap<(SourceId, u32), Rc<Index>>>,
}

/// A document's nodes by what holds them.
#[derive(Debug)]
struct Index {
    /// For each node the map or list that holds it, and how that names it.
    parents: Vec<Option<(NodeId, Step)>>,
    /// What aliases stand for.
    referred: HashSet<NodeId>,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Key(NodeId),
    Item(usize),
}

impl Lineage {
    /// What a build left: its leaves, its files, and those of them that patched its objects.
    pub fn new(sets: Sets<Leaf>, sources: Vec<Source>, patches: HashSet<SourceId>) -> Self {
        Self { sets, sources, patches, indexes: RefCell::default() }
    }

    /// The leaves of a set; none where it holds too many to list.
    pub fn leaves(&self, set: SetId) -> impl Iterator<Item = &Leaf> {
        self.sets.leaves(set).map(|leaf| self.sets.get(leaf))
    }

    /// A leaf.
    pub fn leaf(&self, leaf: LeafId) -> &Leaf {
        self.sets.get(leaf)
    }

    /// What a file or text is.
    pub fn source(&self, source: SourceId) -> &Source {
        &self.sources[source.0 as usize]
    }

    /// The file and line, from 1, of a byte of a source.
    pub fn place(&self, source: SourceId, span: Span) -> (&RepoPath, usize) {
        let of = self.source(source);
        match of.inside {
            None => (&of.path, of.line(span.start)),
            Some(inside) => (&of.path, self.outside(inside, of, span).map_or(1, |(line, _)| line)),
        }
    }

    /// The origin that a leaf is; none for what no file says. Of a file's bytes those that are given.
    pub fn origin(&self, leaf: &Leaf, bytes: Option<(usize, usize)>) -> Option<Origin> {
        let (source, document, node) = match leaf {
            Leaf::Node { source, document, node } | Leaf::Key { source, document, node } => (*source, *document, *node),
            Leaf::Bytes { source, span } => {
                let (start, end) = bytes.unwrap_or((0, span.len()));
                return self.bytes(*source, Span::new(span.start + start, (span.start + end).min(span.end)));
            }
            Leaf::BuiltIn(_) => return None,
        };
        let role = self.role(source, document, node);
        let of = self.source(source);
        let (yaml, parsed) = self.document(source, document)?;
        let span = parsed.nodes.get(node.0)?.span;
        let (line, span, address) = match of.inside {
            None => {
                let line = yaml.line(span.start);
                let at = self.pointer(source, document, node)?;
                (line, yaml.in_file(span), Address::Yaml { document: document as usize, at })
            }
            Some(inside) => {
                let (line, span) = self.outside(inside, of, span)?;
                let at = self.pointer(inside.source, inside.document, inside.node)?;
                (line, span, Address::Yaml { document: inside.document as usize, at })
            }
        };
        Some(Origin { file: of.path.clone(), line, span, role, address })
    }

    fn bytes(&self, source: SourceId, span: Span) -> Option<Origin> {
        let of = self.source(source);
        let before = of.content.get(..span.start)?;
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        Some(Origin { file: of.path.clone(), line, span, role: Role::Generator, address: Address::Text })
    }

    /// What a node has to do with the fields that come from it.
    fn role(&self, source: SourceId, document: u32, node: NodeId) -> Role {
        if self.patches.contains(&source) {
            return Role::Patch;
        }
        let of = self.source(source);
        if NAMES.contains(&of.path.name()) && of.inside.is_none() {
            let at = self.pointer(source, document, node);
            let field = at.as_ref().and_then(|at| at.tokens().first()).map(String::as_str);
            return match field {
                Some("configMapGenerator" | "secretGenerator") => Role::Generator,
                _ => Role::Entry,
            };
        }
        match self.index(source, document) {
            Some(index) if index.above(node).any(|above| index.referred.contains(&above)) => Role::Anchored,
            _ => Role::Literal,
        }
    }

    /// The line and bytes, in a file, of a part of a text that a scalar of the file says.
    fn outside(&self, inside: Inside, of: &Source, span: Span) -> Option<(usize, Span)> {
        let (yaml, document) = self.document(inside.source, inside.document)?;
        let scalar = document.nodes.get(inside.node.0)?;
        let before = inside.start + of.yaml().map_or(0, |yaml| yaml.skipped);
        let exact = match &scalar.kind {
            NodeKind::Scalar { style: ScalarStyle::Literal, text } => {
                let start = in_literal(&yaml.text, scalar.span, text, before + span.start);
                let end = in_literal(&yaml.text, scalar.span, text, before + span.end);
                start.zip(end).map(|(start, end)| Span::new(start, end.max(start)))
            }
            _ => None,
        };
        let span = exact.unwrap_or(scalar.span);
        let holder = self.source(inside.source);
        match holder.inside {
            Some(outer) => self.outside(outer, holder, span),
            None => Some((yaml.line(span.start), yaml.in_file(span))),
        }
    }

    /// A document of a file or text, with its text.
    pub fn document(&self, source: SourceId, document: u32) -> Option<(&Yaml, &Document)> {
        let yaml = self.source(source).yaml()?;
        Some((yaml, yaml.stream.as_ref().ok()?.documents.get(document as usize)?))
    }

    /// The way to a node of a document, or to the value that a key names.
    pub fn pointer(&self, source: SourceId, document: u32, node: NodeId) -> Option<Pointer> {
        let index = self.index(source, document)?;
        let (_, parsed) = self.document(source, document)?;
        let mut tokens = Vec::new();
        let mut at = node;
        while let Some((parent, step)) = index.parents.get(at.0).copied().flatten() {
            tokens.push(match step {
                Step::Item(item) => item.to_string(),
                Step::Key(key) => match &parsed.node(key).kind {
                    NodeKind::Scalar { text, .. } => text.clone(),
                    _ => return None,
                },
            });
            at = parent;
        }
        tokens.reverse();
        Some(Pointer::of(tokens))
    }

    fn index(&self, source: SourceId, document: u32) -> Option<Rc<Index>> {
        if let Some(index) = self.indexes.borrow().get(&(source, document)) {
            return Some(index.clone());
        }
        let index = Rc::new(Index::of(self.document(source, document)?.1));
        self.indexes.borrow_mut().insert((source, document), index.clone());
        Some(index)
    }
}

impl Index {
    fn of(document: &Document) -> Self {
        let mut index = Self { parents: vec![None; document.nodes.len()], referred: HashSet::new() };
        for (at, node) in document.nodes.iter().enumerate() {
            match &node.kind {
                NodeKind::Scalar { .. } => {}
                NodeKind::Sequence { items, .. } => {
                    for (item, node) in items.iter().enumerate() {
                        index.parents[node.node.0] = Some((NodeId(at), Step::Item(item)));
                    }
                }
                NodeKind::Mapping { entries, .. } => {
                    for entry in entries {
                        index.parents[entry.key.0] = Some((NodeId(at), Step::Key(entry.key)));
                        index.parents[entry.value.0] = Some((NodeId(at), Step::Key(entry.key)));
                    }
                }
                NodeKind::Alias { target, .. } => {
                    index.referred.insert(*target);
                }
            }
        }
        index
    }

    /// A node and all that it is in.
    fn above(&self, node: NodeId) -> impl Iterator<Item = NodeId> {
        let parent = |node: &NodeId| self.parents.get(node.0).copied().flatten().map(|(parent, _)| parent);
        std::iter::successors(Some(node), parent)
    }
}

/// Where a byte of a literal block scalar's text is in the file: its lines are the file's without their indentation.
fn in_literal(file: &str, scalar: Span, text: &str, byte: usize) -> Option<usize> {
    let before = text.get(..byte)?;
    let line = before.matches('\n').count();
    let column = byte - before.rfind('\n').map_or(0, |at| at + 1);
    let written = file.get(scalar.range())?;
    let body = scalar.start + written.find('\n')? + 1;
    let indentation = text.lines().zip(file[body..].lines()).find(|(text, _)| !text.trim().is_empty());
    let indentation = indentation.and_then(|(text, line)| line.trim_end_matches('\r').len().checked_sub(text.len()))?;
    let start = file[body..].split_inclusive('\n').take(line).map(str::len).sum::<usize>() + body;
    let here = file.get(start..)?.lines().next().unwrap_or_default();
    Some(start + (indentation + column).min(here.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_of_a_block_is_found_in_its_file() {
        let file = "a:\n- patch: |-\n    b: 1\n\n    c:\n      d: e\n";
        let (start, end) = (file.find('|').expect("a block"), file.len() - 1);
        let text = "b: 1\n\nc:\n  d: e";
        for (byte, found) in [(0, "b"), (3, "1"), (6, "c"), (text.len() - 1, "e")] {
            let at = in_literal(file, Span::new(start, end), text, byte).expect("a place");
            assert!(file[at..].starts_with(found), "{byte}: {at}");
        }
    }
}
