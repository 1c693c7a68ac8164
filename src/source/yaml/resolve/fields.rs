//! The fields of a map: its keys as text, duplicates decided, merges written out.

use std::{borrow::Cow, collections::HashMap};

use super::{
    MAX_ALIASED_VALUES, MAX_TEXT_BYTES, MAX_VALUES, Reader, ResolveError, Unresolvable, Via,
    number::float_key,
    scalar::{self, Scalar},
};
use crate::source::{
    lineage::hash::Seeded,
    yaml::{
        parse::MAX_DEPTH,
        tree::{Document, Entry, Node, NodeId, NodeKind, ScalarStyle},
    },
};

/// How much was converted, and how much of it by way of aliases.
#[derive(Default)]
pub(super) struct Budget {
    all: usize,
    aliased: usize,
    bytes: usize,
}

impl Budget {
    /// Counts one value. Besides the fixed limit this is go-yaml's guard: of more than 1,000 values at most 99 % may come
    /// from aliases.
    pub(super) fn spend(&mut self, node: &Node, aliased: bool) -> Result<(), ResolveError> {
        self.all += 1;
        self.aliased += usize::from(aliased);
        let excessive = self.aliased > 100 && self.all > 1000 && self.aliased as f64 / self.all as f64 > 0.99;
        if let NodeKind::Scalar { text, .. } = &node.kind {
            self.bytes += text.len();
        }
        if self.all > MAX_VALUES || self.aliased > MAX_ALIASED_VALUES || self.bytes > MAX_TEXT_BYTES || excessive {
            Err(node.refuse(Unresolvable::TooLarge))
        } else {
            Ok(())
        }
    }
}

/// A key of a map.
pub(super) struct Key<'d> {
    /// The key as JSON has it.
    pub(super) text: Cow<'d, str>,
    /// The key as go-yaml's map has it, where that is no string: `1` and `"1"` are different keys with the same text.
    scalar: Option<Scalar>,
}

/// A field of a map.
pub(super) struct Field<'d> {
    pub(super) text: Cow<'d, str>,
    scalar: Option<Scalar>,
    pub(super) key: NodeId,
    pub(super) value: NodeId,
    /// How it came into the map; empty for an entry of its own.
    pub(super) via: Vec<Via>,
}

/// The most fields of a map that are looked through one by one.
const FEW: usize = 16;

/// Fields in the order of their first appearance.
#[derive(Default)]
pub(super) struct Fields<'d> {
    fields: Vec<Field<'d>>,
    /// The fields by their keys, once they are many.
    index: HashMap<Cow<'d, str>, usize, Seeded>,
    /// Values that a later entry replaced: go-yaml reads them all the same and fails on what it cannot read.
    pub(super) replaced: Vec<NodeId>,
}

impl<'d> Fields<'d> {
    fn with_capacity(count: usize) -> Self {
        Self { fields: Vec::with_capacity(count), ..Self::default() }
    }

    pub(super) fn into_vec(self) -> Vec<Field<'d>> {
        self.fields
    }

    fn place(&self, text: &str) -> Option<usize> {
        match self.fields.len() {
            ..=FEW => self.fields.iter().position(|field| field.text == text),
            _ => self.index.get(text).copied(),
        }
    }

    /// Adds a field; the later of two wins.
    fn put(&mut self, field: Field<'d>, document: &Document) -> Result<(), ResolveError> {
        match self.place(&field.text) {
            Some(at) if self.fields[at].scalar != field.scalar => {
                Err(document.node(field.key).refuse(Unresolvable::AmbiguousKey(field.text.into_owned())))
            }
            Some(at) => {
                self.replaced.push(std::mem::replace(&mut self.fields[at], field).value);
                Ok(())
            }
            None => {
                self.fields.push(field);
                if self.fields.len() > FEW {
                    let new = self.index.len()..self.fields.len();
                    self.index.extend(new.map(|at| (self.fields[at].text.clone(), at)));
                }
                Ok(())
            }
        }
    }
}

impl Node {
    /// The error that this node has no value.
    pub(super) fn refuse(&self, problem: Unresolvable) -> ResolveError {
        ResolveError { span: self.span, problem }
    }
}

/// The node that a node stands for, and the alias where it is one. The target of an alias is never an alias.
pub(super) fn target(document: &Document, node: NodeId) -> (NodeId, Option<NodeId>) {
    match document.node(node).kind {
        NodeKind::Alias { target, .. } => (target, Some(node)),
        _ => (node, None),
    }
}

/// The key that a node makes; nothing for `<<`.
pub(super) fn key(document: &Document, node: NodeId, reader: Reader) -> Result<Option<Key<'_>>, ResolveError> {
    if is_merge(document.node(node)) {
        return Ok(None);
    }
    let written = document.node(node);
    let node = document.node(target(document, node).0);
    let NodeKind::Scalar { style, text } = &node.kind else {
        return Err(written.refuse(Unresolvable::CollectionKey));
    };
    let scalar = scalar::typed(text, *style, node.tag_name(), reader).map_err(|why| written.refuse(why))?;
    let foreign_tag = || node.tag_name().is_some_and(|tag| !matches!(tag, "!" | "tag:yaml.org,2002:str"));
    let key = match &scalar {
        // Kustomize prints a quoted "<<" without quotes before it decodes the map, and so loses it.
        Scalar::String(string) if reader != Reader::Kustomize || !foreign_tag() && string != "<<" => {
            // Only `!!binary` reads as another text than is written.
            let text = if string == text { Cow::Borrowed(text.as_str()) } else { Cow::Owned(string.clone()) };
            return Ok(Some(Key { text, scalar: None }));
        }
        _ if reader == Reader::Kustomize => return Err(written.refuse(Unresolvable::Key(text.clone()))),
        Scalar::Bool(bool) => bool.to_string(),
        Scalar::Int(int) => int.to_string(),
        Scalar::Float(float) => float_key(*float),
        _ => return Err(written.refuse(Unresolvable::Key(text.clone()))),
    };
    Ok(Some(Key { text: key.into(), scalar: Some(scalar) }))
}

/// The fields of a map. Without Kustomize the order decides: each entry and each merge overrides what is above it. In
/// Kustomize a map's own entries win over merged ones wherever they stand, and nothing may be there twice.
pub(super) fn fields<'d>(
    document: &'d Document,
    map: NodeId,
    reader: Reader,
    budget: &mut Budget,
    aliased: bool,
) -> Result<Fields<'d>, ResolveError> {
    Walk { document, reader, budget }.fields(map, aliased, 1)
}

struct Walk<'d, 'b> {
    document: &'d Document,
    reader: Reader,
    budget: &'b mut Budget,
}

impl<'d> Walk<'d, '_> {
    fn fields(&mut self, map: NodeId, aliased: bool, depth: usize) -> Result<Fields<'d>, ResolveError> {
        let document = self.document;
        let node = document.node(map);
        if depth > MAX_DEPTH {
            return Err(node.refuse(Unresolvable::TooDeep));
        }
        let NodeKind::Mapping { entries, .. } = &node.kind else { return Err(node.refuse(Unresolvable::Merge)) };
        let (mut fields, mut merged) = (Fields::with_capacity(entries.len()), None);
        for entry in entries {
            let key_node = document.node(entry.key);
            self.budget.spend(document.node(target(document, entry.key).0), aliased)?;
            let Some(key) = key(document, entry.key, self.reader)? else {
                if self.reader != Reader::Kustomize {
                    let mut brought = self.merged(entry, aliased, depth)?;
                    fields.replaced.append(&mut brought.replaced);
                    for field in brought.into_vec() {
                        fields.put(field, document)?;
                    }
                } else if merged.replace(entry).is_some() {
                    return Err(key_node.refuse(Unresolvable::DuplicateKey("<<".to_owned())));
                }
                continue;
            };
            if self.reader == Reader::Kustomize && fields.place(&key.text).is_some() {
                return Err(key_node.refuse(Unresolvable::DuplicateKey(key.text.into_owned())));
            }
            let Key { text, scalar } = key;
            fields.put(Field { text, scalar, key: entry.key, value: entry.value, via: Vec::new() }, document)?;
        }
        if let Some(entry) = merged {
            for field in self.merged(entry, aliased, depth)?.into_vec() {
                if fields.place(&field.text).is_none() {
                    fields.put(field, document)?;
                }
            }
        }
        Ok(fields)
    }

    /// What a `<<` brings, each key once; of a list of maps the earlier ones win.
    fn merged(&mut self, entry: &Entry, aliased: bool, depth: usize) -> Result<Fields<'d>, ResolveError> {
        let document = self.document;
        let sources = match &document.node(entry.value).kind {
            NodeKind::Sequence { items, .. } => items.iter().rev().map(|item| item.node).collect(),
            _ => vec![entry.value],
        };
        let mut fields = Fields::default();
        for source in sources {
            let (map, alias) = target(document, source);
            self.budget.spend(document.node(source), aliased || alias.is_some())?;
            let detour = [Some(Via::Merge(entry.value)), alias.map(Via::Alias)];
            let mut brought = self.fields(map, aliased || alias.is_some(), depth + 1)?;
            fields.replaced.append(&mut brought.replaced);
            for mut field in brought.into_vec() {
                field.via.splice(0..0, detour.into_iter().flatten());
                fields.put(field, document)?;
            }
        }
        Ok(fields)
    }
}

/// Tells whether a key is YAML 1.1's merge key: plain `<<` without a tag, or any `<<` with the merge tag.
fn is_merge(node: &Node) -> bool {
    let NodeKind::Scalar { style, text } = &node.kind else { return false };
    text == "<<"
        && match node.tag_name() {
            None => *style == ScalarStyle::Plain,
            Some("!") => true,
            Some(tag) => tag == "tag:yaml.org,2002:merge",
        }
}
