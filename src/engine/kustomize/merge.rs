//! Strategic merge: a part of an object laid over it.
//!
//! A port of kyaml's `merge2` with its `walk`, on nodes that are known by number: the original changes nodes in place, and
//! much of what it does to a list (an item that is there twice, an item without the list's key) follows from which of the
//! two trees a node belongs to. The whole object is walked, not only what the patch mentions: empty values go, and lists
//! with a merge key are put together anew.
//!
//! Reference: `kyaml/yaml/merge2`, `kyaml/yaml/walk` and `kyaml/yaml/fns.go` of Kustomize 5.5.0.

mod directive;
mod list;
mod tree;

use std::sync::Arc;

use self::tree::{Id, Kind, Tree};
use super::{
    context::Context,
    node::Node,
    problem::Problem,
    schema::{Definitions, Type},
};
use crate::source::lineage::text::Text;

/// Merges a patch into an object. Nothing is left where the patch deletes the object.
///
/// # Errors
/// Where the two differ in what is a map, a list or a single value, where a directive is unknown, and where the objects nest
/// too deeply.
pub fn merge(patch: Node, object: Node, context: &mut Context<'_>) -> Result<Option<Node>, Problem> {
    let definitions = context.schemas.definitions();
    let mut tree = Tree::default();
    let object = tree.plant(object, context)?;
    let patch = tree.plant(patch, context)?;
    let mut merge = Merge { tree, context, definitions: &definitions };
    let sources = Sources { object: Some(object), patch: Some(patch) };
    if merge.walk(sources, None)?.is_none() {
        return Ok(None);
    }
    // What a directive at the root puts in the object's place is forgotten by Kustomize as well.
    let merged = merge.tree.take(object);
    Ok(Some(merged).filter(|merged| !merged.is_null() && merged.entries().is_none_or(|entries| !entries.is_empty())))
}

struct Merge<'m, 't> {
    tree: Tree,
    context: &'m mut Context<'t>,
    definitions: &'m Arc<Definitions>,
}

/// The two nodes that are merged, where they are there. They are one node where a patch adds it.
#[derive(Clone, Copy)]
struct Sources {
    object: Option<Id>,
    patch: Option<Id>,
}

/// What a node becomes.
#[derive(Clone, Copy)]
struct Merged {
    node: Id,
    /// An explicit null of the object that stays.
    is_kept_null: bool,
}

impl From<Id> for Merged {
    fn from(node: Id) -> Self {
        Self { node, is_kept_null: false }
    }
}

impl Merge<'_, '_> {
    /// `Walker.Walk`.
    fn walk(&mut self, sources: Sources, known: Option<&Type>) -> Result<Option<Merged>, Problem> {
        self.context.spend(1)?;
        let definitions = self.definitions.clone();
        let known = known.or_else(|| self.type_of_embedded(sources, &definitions));
        let present = [sources.object, sources.patch].into_iter().flatten().filter(|node| !self.tree.is_null(*node));
        let kinds: Vec<&'static str> = present.map(|node| self.tree.kind_name(node)).collect();
        if let [first, second] = kinds[..]
            && first != second
        {
            return Err(wrong_kind(first, second));
        }
        match kinds.first() {
            Some(&"SequenceNode") if matches!(known, Some(Type::List { keys: Some(_), .. })) => {
                self.walk_keyed_list(sources, known)
            }
            Some(&"SequenceNode" | &"ScalarNode") => Ok(sources.patch.or(sources.object).map(Merged::from)),
            _ => self.walk_map(sources, known),
        }
    }

    /// What is known of an object by its own `apiVersion` and `kind`, as in a list of objects in another.
    fn type_of_embedded<'d>(&self, sources: Sources, definitions: &'d Definitions) -> Option<&'d Type> {
        [sources.object, sources.patch].into_iter().flatten().find_map(|node| {
            let said = |key: &[u8]| {
                let value = self.tree.get(node, key)?;
                std::str::from_utf8(self.tree.said(value)).ok().filter(|text| !text.is_empty())
            };
            definitions.kind(said(b"apiVersion")?, said(b"kind")?)
        })
    }

    /// `Walker.walkMap`, also for what is nothing on both sides.
    fn walk_map(&mut self, sources: Sources, known: Option<&Type>) -> Result<Option<Merged>, Problem> {
        let Some(into) = self.visit_map(sources)? else { return Ok(None) };
        let sources = Sources { object: Some(into.node), ..sources };
        self.unite(sources);
        let definitions = self.definitions.clone();
        let own = self.tree.entries(into.node).len();
        let mut kept: Vec<Option<Id>> = vec![None; own];
        let mut added: Vec<(Text, Id)> = Vec::new();
        for field in self.fields(sources) {
            let known = known.and_then(|known| {
                let name = field.key.as_str()?;
                definitions.field(known, name)
            });
            let Some(merged) = self.walk(field.sources, known)? else { continue };
            if self.tree.is_null(merged.node) && !merged.is_kept_null {
                continue;
            }
            match field.index {
                Some(index) => {
                    if let Some(before) = field.sources.object {
                        self.tree.take_over_style(before, merged.node);
                    }
                    kept[index] = Some(merged.node);
                }
                None => {
                    self.tree.quote_ambiguous(merged.node);
                    added.push((field.key, merged.node));
                }
            }
        }
        if let Kind::Map(entries) = self.tree.kind_mut(into.node) {
            let before = std::mem::take(entries);
            let staying = before.into_iter().zip(kept).filter_map(|((key, _), value)| Some((key, value?)));
            entries.extend(staying.chain(added));
        }
        Ok(Some(into))
    }

    /// `Merger.VisitMap`.
    fn visit_map(&mut self, sources: Sources) -> Result<Option<Merged>, Problem> {
        let Some(object) = sources.object.filter(|object| !self.tree.is_null(*object)) else {
            if let Some(patch) = sources.patch {
                let is_deleted = matches!(self.directive(patch), Ok(directive::Directive::Delete));
                return Ok((!is_deleted).then(|| patch.into()));
            }
            let kept = sources.object.filter(|object| !self.tree.said(*object).is_empty());
            return Ok(kept.map(|node| Merged { node, is_kept_null: true }));
        };
        self.visit(object, sources.patch)
    }

    /// What `VisitMap` and `VisitList` do alike where the object has a value.
    fn visit(&mut self, object: Id, patch: Option<Id>) -> Result<Option<Merged>, Problem> {
        let Some(patch) = patch else { return Ok(Some(object.into())) };
        if self.tree.is_null(patch) {
            return Ok(None);
        }
        Ok(match self.directive(patch)? {
            directive::Directive::Delete => None,
            directive::Directive::Replace => Some(patch.into()),
            directive::Directive::Merge => Some(object.into()),
        })
    }

    /// The fields of both, sorted.
    fn fields(&self, sources: Sources) -> Vec<Field> {
        let of = |node: Option<Id>| node.map_or(&[][..], |node| self.tree.entries(node));
        let object = of(sources.object).iter().enumerate().map(|(index, (key, value))| Field {
            key: key.clone(),
            index: Some(index),
            sources: Sources { object: Some(*value), patch: None },
        });
        let patch = of(sources.patch).iter().map(|(key, value)| Field {
            key: key.clone(),
            index: None,
            sources: Sources { object: None, patch: Some(*value) },
        });
        let mut fields: Vec<Field> = object.chain(patch).collect();
        // Stable: the object's field stands before the patch's.
        fields.sort_by(|a, b| a.key.bytes().cmp(b.key.bytes()));
        fields.dedup_by(|second, first| {
            let is_same = first.key.bytes() == second.key.bytes();
            if is_same {
                first.sources.patch = second.sources.patch;
            }
            is_same
        });
        fields
    }

    /// A map or list that two files say could be written in each.
    fn unite(&mut self, sources: Sources) {
        if let (Some(object), Some(patch)) = (sources.object, sources.patch)
            && object != patch
        {
            let places = self.context.sets.union(self.tree.places(object), self.tree.places(patch));
            self.tree.set_places(object, places);
        }
    }
}

/// A field of one or both maps.
struct Field {
    key: Text,
    /// Its place in the object's map.
    index: Option<usize>,
    sources: Sources,
}

fn wrong_kind(expected: &str, found: &str) -> Problem {
    Problem::broken(format!("wrong node kind: expected {expected} but got {found}"))
}
