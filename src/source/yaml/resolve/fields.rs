//! The fields of a map: its keys as text, duplicates decided, merges written out.

use std::collections::HashMap;

use super::{
    MAX_VALUES, Reader, ResolveError, Unresolvable, Via,
    number::float_key,
    scalar::{self, Scalar},
};
use crate::source::yaml::{
    parse::MAX_DEPTH,
    tree::{Document, Entry, Node, NodeId, NodeKind, ScalarStyle},
};

/// How much was converted, and how much of it by way of aliases.
#[derive(Default)]
pub(super) struct Budget {
    all: usize,
    aliased: usize,
}

impl Budget {
    /// Counts one value. Besides the fixed limit this is go-yaml's guard: of more than 1,000 values at most 99 % may come
    /// from aliases.
    pub(super) fn spend(&mut self, node: &Node, aliased: bool) -> Result<(), ResolveError> {
        self.all += 1;
        self.aliased += usize::from(aliased);
        let excessive = self.aliased > 100 && self.all > 1000 && self.aliased as f64 / self.all as f64 > 0.99;
        if self.all > MAX_VALUES || excessive { Err(node.refuse(Unresolvable::TooLarge)) } else { Ok(()) }
    }
}

/// A key of a map.
pub(super) struct Key {
    /// The key as JSON has it.
    pub(super) text: String,
    /// The key as go-yaml's map has it: `1` and `"1"` are different keys with the same text.
    scalar: Scalar,
}

/// A field of a map.
pub(super) struct Field {
    pub(super) text: String,
    scalar: Scalar,
    pub(super) key: NodeId,
    pub(super) value: NodeId,
    /// How it came into the map; empty for an entry of its own.
    pub(super) via: Vec<Via>,
}

/// Fields in the order of their first appearance.
#[derive(Default)]
pub(super) struct Fields {
    fields: Vec<Field>,
    index: HashMap<String, usize>,
    /// Values that a later entry replaced: go-yaml reads them all the same and fails on what it cannot read.
    pub(super) replaced: Vec<NodeId>,
}

impl Fields {
    pub(super) fn into_vec(self) -> Vec<Field> {
        self.fields
    }

    pub(super) fn take(mut self, text: &str) -> Option<Field> {
        let at = *self.index.get(text)?;
        Some(self.fields.swap_remove(at))
    }

    /// Adds a field; the later of two wins.
    fn put(&mut self, field: Field, document: &Document) -> Result<(), ResolveError> {
        match self.index.get(&field.text) {
            Some(at) if self.fields[*at].scalar != field.scalar => {
                Err(document.node(field.key).refuse(Unresolvable::AmbiguousKey(field.text)))
            }
            Some(at) => {
                self.replaced.push(std::mem::replace(&mut self.fields[*at], field).value);
                Ok(())
            }
            None => {
                self.index.insert(field.text.clone(), self.fields.len());
                self.fields.push(field);
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
pub(super) fn key(document: &Document, node: NodeId, reader: Reader) -> Result<Option<Key>, ResolveError> {
    if is_merge(document.node(node)) {
        return Ok(None);
    }
    let written = document.node(node);
    let node = document.node(target(document, node).0);
    let NodeKind::Scalar { style, text } = &node.kind else {
        return Err(written.refuse(Unresolvable::CollectionKey));
    };
    let scalar = scalar::typed(text, *style, node.tag_name.as_deref(), reader).map_err(|why| written.refuse(why))?;
    let foreign_tag = || node.tag_name.as_deref().is_some_and(|tag| !matches!(tag, "!" | "tag:yaml.org,2002:str"));
    let key = match &scalar {
        // Kustomize prints a quoted "<<" without quotes before it decodes the map, and so loses it.
        Scalar::String(string) if reader != Reader::Kustomize || !foreign_tag() && string != "<<" => string.clone(),
        _ if reader == Reader::Kustomize => return Err(written.refuse(Unresolvable::Key(text.clone()))),
        Scalar::Bool(bool) => bool.to_string(),
        Scalar::Int(int) => int.to_string(),
        Scalar::Float(float) => float_key(*float),
        _ => return Err(written.refuse(Unresolvable::Key(text.clone()))),
    };
    Ok(Some(Key { text: key, scalar }))
}

/// The fields of a map. Without Kustomize the order decides: each entry and each merge overrides what is above it. In
/// Kustomize a map's own entries win over merged ones wherever they stand, and nothing may be there twice.
pub(super) fn fields(
    document: &Document,
    map: NodeId,
    reader: Reader,
    budget: &mut Budget,
    aliased: bool,
) -> Result<Fields, ResolveError> {
    Walk { document, reader, budget }.fields(map, aliased, 1)
}

struct Walk<'d, 'b> {
    document: &'d Document,
    reader: Reader,
    budget: &'b mut Budget,
}

impl Walk<'_, '_> {
    fn fields(&mut self, map: NodeId, aliased: bool, depth: usize) -> Result<Fields, ResolveError> {
        let document = self.document;
        let node = document.node(map);
        if depth > MAX_DEPTH {
            return Err(node.refuse(Unresolvable::TooDeep));
        }
        let NodeKind::Mapping { entries, .. } = &node.kind else { return Err(node.refuse(Unresolvable::Merge)) };
        let (mut fields, mut merged) = (Fields::default(), None);
        for entry in entries {
            let key_node = document.node(entry.key);
            self.budget.spend(key_node, aliased)?;
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
            if self.reader == Reader::Kustomize && fields.index.contains_key(&key.text) {
                return Err(key_node.refuse(Unresolvable::DuplicateKey(key.text)));
            }
            let Key { text, scalar } = key;
            fields.put(Field { text, scalar, key: entry.key, value: entry.value, via: Vec::new() }, document)?;
        }
        if let Some(entry) = merged {
            for field in self.merged(entry, aliased, depth)?.into_vec() {
                if !fields.index.contains_key(&field.text) {
                    fields.put(field, document)?;
                }
            }
        }
        Ok(fields)
    }

    /// What a `<<` brings, each key once; of a list of maps the earlier ones win.
    fn merged(&mut self, entry: &Entry, aliased: bool, depth: usize) -> Result<Fields, ResolveError> {
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
        && match node.tag_name.as_deref() {
            None => *style == ScalarStyle::Plain,
            Some("!") => true,
            Some(tag) => tag == "tag:yaml.org,2002:merge",
        }
}
