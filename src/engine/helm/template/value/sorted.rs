//! The entries of a map in the order of their keys.
//!
//! Nearly every map of a chart has a handful of keys, and a render copies thousands of maps: a short vector is half the
//! memory of a tree, and copied in one go. A map that grows long becomes a tree, so that no order of insertion is slow.

use std::{collections::BTreeMap, rc::Rc};

use super::Entry;

/// The most entries that are held in a vector.
const FEW: usize = 48;

/// Entries, sorted by the bytes of their keys.
#[derive(Clone, Debug)]
pub(super) enum Sorted {
    Few(Vec<Entry>),
    Many(BTreeMap<Rc<[u8]>, Entry>),
}

impl Default for Sorted {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Sorted {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Few(entries) => entries.len(),
            Self::Many(entries) => entries.len(),
        }
    }

    pub(super) fn get(&self, key: &[u8]) -> Option<&Entry> {
        match self {
            Self::Few(entries) => place(entries, key).ok().map(|at| &entries[at]),
            Self::Many(entries) => entries.get(key),
        }
    }

    pub(super) fn get_mut(&mut self, key: &[u8]) -> Option<&mut Entry> {
        match self {
            Self::Few(entries) => place(entries, key).ok().map(|at| &mut entries[at]),
            Self::Many(entries) => entries.get_mut(key),
        }
    }

    pub(super) fn insert(&mut self, entry: Entry) {
        match self {
            Self::Few(entries) => match place(entries, entry.key.bytes()) {
                Ok(at) => entries[at] = entry,
                Err(at) if entries.len() < FEW => entries.insert(at, entry),
                Err(_) => {
                    let all = std::mem::take(entries).into_iter().chain([entry]);
                    *self = Self::Many(all.map(|entry| (entry.key.shared_bytes(), entry)).collect());
                }
            },
            Self::Many(entries) => {
                entries.insert(entry.key.shared_bytes(), entry);
            }
        }
    }

    pub(super) fn remove(&mut self, key: &[u8]) -> Option<Entry> {
        match self {
            Self::Few(entries) => place(entries, key).ok().map(|at| entries.remove(at)),
            Self::Many(entries) => entries.remove(key),
        }
    }

    /// The entries in the order of their keys.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        let (few, many) = match self {
            Self::Few(entries) => (Some(entries.iter()), None),
            Self::Many(entries) => (None, Some(entries.values())),
        };
        few.into_iter().flatten().chain(many.into_iter().flatten())
    }

    pub(super) fn to_vec(&self) -> Vec<Entry> {
        match self {
            Self::Few(entries) => entries.clone(),
            Self::Many(entries) => entries.values().cloned().collect(),
        }
    }

    /// The same keys with other values.
    ///
    /// # Errors
    /// The first that making a value gives.
    pub(super) fn try_map<E>(&self, mut of: impl FnMut(&Entry) -> Result<Entry, E>) -> Result<Self, E> {
        Ok(match self {
            Self::Few(entries) => Self::Few(entries.iter().map(of).collect::<Result<_, _>>()?),
            Self::Many(entries) => {
                let all = entries.iter().map(|(key, entry)| Ok((key.clone(), of(entry)?)));
                Self::Many(all.collect::<Result<_, _>>()?)
            }
        })
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Where a key is, or belongs.
fn place(entries: &[Entry], key: &[u8]) -> Result<usize, usize> {
    entries.binary_search_by(|entry| entry.key.bytes().cmp(key))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::{
        engine::helm::template::value::{Datum, Value},
        source::lineage::text::Text,
    };

    proptest! {
        /// Insertions and removals in any order leave what a tree holds.
        #[test]
        fn entries_are_a_sorted_map(steps in prop::collection::vec((0_u8..80, any::<bool>()), 0..300)) {
            let (mut sorted, mut model) = (Sorted::default(), BTreeMap::new());
            for (number, (key, inserts)) in steps.into_iter().enumerate() {
                let key = [key];
                if inserts {
                    sorted.insert(Entry { key: Text::plain(key), value: Value::plain(Datum::Int(number as i64)) });
                    model.insert(key, number as i64);
                } else {
                    prop_assert_eq!(sorted.remove(&key).is_some(), model.remove(&key).is_some());
                }
                prop_assert_eq!(sorted.get(&key).is_some(), model.contains_key(&key));
                prop_assert_eq!(sorted.len(), model.len());
            }
            let entries = sorted.to_vec();
            let held = entries.iter().map(|entry| match entry.value.datum {
                Datum::Int(number) => (entry.key.bytes()[0], number),
                _ => (0, 0),
            });
            prop_assert_eq!(held.collect::<Vec<_>>(), model.into_iter().map(|([key], number)| (key, number)).collect::<Vec<_>>());
        }
    }
}
