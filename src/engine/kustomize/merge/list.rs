//! Lists whose items are merged by keys, or by their values.

use std::collections::{BTreeSet, HashSet};

use super::{
    Merge, Merged, Sources,
    tree::{Id, Kind},
    wrong_kind,
};
use crate::engine::kustomize::{
    node::{Scalar, Style, Tag, made},
    problem::Problem,
    schema::Type,
};

/// The fields by which the items of a list are told apart. One that is empty is an item's own value.
type Keys = Vec<Vec<u8>>;
/// What an item has in these fields, empty where it has nothing.
type Values = Vec<Vec<u8>>;

impl Merge<'_, '_> {
    /// `Walker.walkAssociativeSequence`.
    pub(super) fn walk_keyed_list(
        &mut self,
        sources: Sources,
        known: Option<&Type>,
    ) -> Result<Option<Merged>, Problem> {
        let into = match sources.object.filter(|object| !self.tree.is_null(*object)) {
            None => sources.patch.map(Merged::from),
            Some(object) => self.visit(object, sources.patch)?,
        };
        let Some(into) = into else { return Ok(None) };
        let sources = Sources { object: Some(into.node), ..sources };
        let keys: Keys = match known {
            Some(Type::List { keys: Some(keys), .. }) => keys.iter().map(|key| key.as_bytes().to_vec()).collect(),
            _ => Vec::new(),
        };
        let known = known.and_then(|known| self.definitions.items(known)).cloned();
        let node = if keys.is_empty() {
            let values = self.distinct(sources, |merge, item| vec![merge.tree.said(item).to_vec()]);
            self.put_together(values, &[Vec::new()], into.node, sources, known.as_ref())?
        } else {
            let values = self.distinct(sources, |merge, item| merge.values_of(item, &keys));
            self.put_together(values, &keys, into.node, sources, known.as_ref())?
        };
        Ok(Some(node.into()))
    }

    /// What the items of both lists have, each once, the patch's first (`elementValues`, `elementPrimitiveValues`).
    fn distinct(&self, sources: Sources, of: impl Fn(&Self, Id) -> Values) -> Vec<Values> {
        let mut seen = HashSet::new();
        let lists = [sources.patch, sources.object].into_iter().flatten();
        let values = lists.flat_map(|list| self.tree.items(list)).map(|item| of(self, *item));
        values.filter(|values| seen.insert(values.clone())).collect()
    }

    fn values_of(&self, item: Id, keys: &[Vec<u8>]) -> Values {
        let of = |key: &Vec<u8>| {
            let value = self.tree.get(item, key).filter(|value| !self.tree.is_empty(*value));
            value.map(|value| self.tree.said(value).to_vec()).unwrap_or_default()
        };
        keys.iter().map(of).collect()
    }

    /// `Walker.setAssociativeSequenceElements`.
    fn put_together(
        &mut self,
        mut all: Vec<Values>,
        keys: &[Vec<u8>],
        object: Id,
        sources: Sources,
        known: Option<&Type>,
    ) -> Result<Id, Problem> {
        if keys.len() > 1 {
            self.context.spend(all.len().saturating_mul(all.len()))?;
            fill_up(&mut all);
        }
        let used = used_keys(&all, keys);
        let mut places = self.tree.places(object);
        if let Some(patch) = sources.patch {
            places = self.context.sets.union(places, self.tree.places(patch));
        }
        let list = self.tree.add(Kind::List(Vec::new()), places);
        let mut last_keys: Option<Keys> = None;
        for values in &all {
            let (used_keys, used_values) = valid(&used, values, keys);
            let of = |list: Option<Id>| list.and_then(|list| self.find_item(list, &used_keys, &used_values));
            let items = Sources { object: of(sources.object), patch: of(sources.patch) };
            let merged = self.walk(items, known)?;
            let merged = merged.map(|merged| merged.node).filter(|node| !self.tree.is_empty_map(*node));
            match merged {
                None if used_keys.is_empty() => {}
                None => self.set_item(object, None, &used_keys, &used_values)?,
                Some(node) => {
                    for (key, value) in used_keys.iter().zip(&used_values) {
                        self.ensure_key(node, key, value)?;
                    }
                    self.set_item(list, Some(node), &used_keys, &used_values)?;
                }
            }
            last_keys = Some(used_keys);
        }
        let Some(keys) = last_keys else { return Ok(object) };
        self.append(list, object, &keys)?;
        Ok(list)
    }

    /// Gives an item the key that it was found by.
    fn ensure_key(&mut self, item: Id, key: &[u8], value: &[u8]) -> Result<(), Problem> {
        if value.is_empty() || self.tree.get(item, key).is_some() {
            return Ok(());
        }
        match (self.tree.kind(item), key.is_empty()) {
            (Kind::Scalar(_), true) => return Ok(()),
            (Kind::Map(_), false) => {}
            (_, true) => return Err(wrong_kind("ScalarNode", self.tree.kind_name(item))),
            (_, false) => return Err(wrong_kind("MappingNode", self.tree.kind_name(item))),
        }
        let scalar = Scalar { text: made(value), tag: Tag::Unresolved, style: Style::Plain };
        let value = self.tree.add(Kind::Scalar(scalar), Default::default());
        if let Kind::Map(entries) = self.tree.kind_mut(item) {
            entries.push((made(key), value));
        }
        Ok(())
    }

    /// The first item that has these values (`Walker.elementValueList`).
    fn find_item(&self, list: Id, keys: &[Vec<u8>], values: &[Vec<u8>]) -> Option<Id> {
        let (keys, values) = valid(&used_keys(std::slice::from_ref(&values.to_vec()), keys), values, keys);
        let items = self.tree.items(list).iter().copied();
        let first = values.first().map(Vec::as_slice).unwrap_or_default();
        match keys.first() {
            None => items.into_iter().find(|item| self.tree.said(*item) == first),
            Some(key) if key.is_empty() => items.into_iter().find(|item| self.tree.said(*item) == first),
            Some(_) if keys.len() != values.len() => None,
            Some(_) => items.into_iter().find(|item| {
                keys.iter().zip(&values).all(|(key, value)| {
                    self.tree.get(*item, key).is_some_and(|found| self.tree.said(found) == value.as_slice())
                })
            }),
        }
    }

    /// Sets, replaces or, without an element, removes the items that have these values (`ElementSetter`). Items that are
    /// empty go as well.
    pub(super) fn set_item(
        &mut self,
        list: Id,
        element: Option<Id>,
        keys: &[Vec<u8>],
        values: &[Vec<u8>],
    ) -> Result<(), Problem> {
        let items = self.tree.items(list).to_vec();
        self.context.spend(items.len())?;
        let finds_maps =
            keys.first().is_some_and(|key| !key.is_empty()) && values.first().is_some_and(|value| !value.is_empty());
        let (mut found, mut left) = (false, Vec::with_capacity(items.len() + 1));
        for item in items {
            if self.tree.is_empty_map(item) {
                continue;
            }
            if finds_maps && !matches!(self.tree.kind(item), Kind::Map(_)) {
                left.push(item);
                continue;
            }
            if self.has(item, keys, values)? {
                found = true;
                left.extend(element);
            } else if !values.is_empty() {
                left.push(item);
            }
        }
        if let Some(element) = element.filter(|element| !found && !self.tree.is_null(*element)) {
            left.push(element);
        }
        if let Kind::List(items) = self.tree.kind_mut(list) {
            *items = left;
        }
        Ok(())
    }

    /// Tells whether an item has these values. A key beyond the values is not looked at, an empty value stands for any.
    fn has(&self, item: Id, keys: &[Vec<u8>], values: &[Vec<u8>]) -> Result<bool, Problem> {
        for (key, value) in keys.iter().zip(values) {
            let found = match (self.tree.kind(item), key.is_empty()) {
                (Kind::Scalar(_), true) => self.tree.said(item) == value.as_slice(),
                (Kind::Map(_), false) => {
                    let found = self.tree.get(item, key);
                    found.is_some_and(|found| value.is_empty() || self.tree.said(found) == value.as_slice())
                }
                (_, true) => return Err(wrong_kind("ScalarNode", self.tree.kind_name(item))),
                (_, false) => return Err(wrong_kind("MappingNode", self.tree.kind_name(item))),
            };
            if !found {
                return Ok(false);
            }
        }
        Ok(!values.is_empty())
    }

    /// Puts the items of a list behind those of another, or in the place of those with the same values (`appendListNode`).
    fn append(&mut self, into: Id, from: Id, keys: &[Vec<u8>]) -> Result<(), Problem> {
        for item in self.tree.items(from).to_vec() {
            if keys.first().is_none_or(Vec::is_empty) {
                let said = self.tree.said(item).to_vec();
                self.set_item(into, Some(item), &[Vec::new()], &[said])?;
                continue;
            }
            if !self.tree.is_null(item) && !matches!(self.tree.kind(item), Kind::Map(_)) {
                return Err(wrong_kind("MappingNode", self.tree.kind_name(item)));
            }
            let mut values = Vec::new();
            for key in keys {
                match self.tree.get(item, key) {
                    Some(value) => values.push(self.tree.said(value).to_vec()),
                    None => {
                        if let Kind::List(items) = self.tree.kind_mut(into) {
                            items.push(item);
                        }
                    }
                }
            }
            if keys.len() > 1 {
                self.set_item(into, None, keys, &values)?;
            }
            self.set_item(into, Some(item), keys, &values)?;
        }
        Ok(())
    }
}

/// Values that differ only in that some are empty in one take over the others' (`mergeValues`).
fn fill_up(all: &mut [Values]) {
    for one in 0..all.len() {
        let before = all[one].clone();
        for other in 0..all.len() {
            if let Some(filled) = filled(&before, &all[other]) {
                all[one].clone_from(&filled);
                all[other] = filled;
            }
        }
    }
}

fn filled(one: &Values, other: &Values) -> Option<Values> {
    let mut is_common = false;
    let mut filled = Vec::with_capacity(one.len());
    for (a, b) in one.iter().zip(other) {
        is_common |= a == b;
        if a != b && !a.is_empty() && !b.is_empty() {
            return None;
        }
        filled.push(if a.is_empty() { b.clone() } else { a.clone() });
    }
    is_common.then_some(filled)
}

/// The keys that any item has a value for.
fn used_keys(all: &[Values], keys: &[Vec<u8>]) -> BTreeSet<Vec<u8>> {
    let of = |values: &Values| {
        let used = keys.iter().zip(values).filter(|(_, value)| !value.is_empty());
        used.map(|(key, _)| key.clone()).collect::<Vec<_>>()
    };
    all.iter().flat_map(of).collect()
}

/// The keys that count and an item's values in them (`validateKeys`).
fn valid(used: &BTreeSet<Vec<u8>>, values: &[Vec<u8>], keys: &[Vec<u8>]) -> (Keys, Values) {
    if used.is_empty() {
        return (keys.to_vec(), values.to_vec());
    }
    let values = keys.iter().zip(values).filter(|(key, value)| !value.is_empty() || used.contains(*key));
    let values = values.map(|(_, value)| value.clone()).collect();
    (keys.iter().filter(|key| used.contains(*key)).cloned().collect(), values)
}
