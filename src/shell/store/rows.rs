//! Where the rows of a table are, by a key, in memory: an index that a group of operations changes and that its failure
//! takes back.

use std::collections::{BTreeMap, btree_map};

/// Rows by their key.
#[derive(Debug)]
pub(super) struct Rows<K> {
    rows: BTreeMap<K, i64>,
    /// What the group that is being written has changed, with what stood there before.
    changes: Vec<(K, Option<i64>)>,
}

impl<K: Copy + Ord> Rows<K> {
    /// The row of a key.
    pub(super) fn get(&self, key: &K) -> Option<i64> {
        self.rows.get(key).copied()
    }

    /// The rows of all keys from one to another.
    pub(super) fn between(&self, first: K, last: K) -> btree_map::Range<'_, K, i64> {
        self.rows.range(first..=last)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Notes a row, be it in the place of another one.
    pub(super) fn insert(&mut self, key: K, row: i64) {
        let before = self.rows.insert(key, row);
        self.changes.push((key, before));
    }

    /// Notes that a key has no row.
    pub(super) fn remove(&mut self, key: &K) {
        let before = self.rows.remove(key);
        self.changes.push((*key, before));
    }

    /// What was changed is on disk.
    pub(super) fn keep(&mut self) {
        self.changes.clear();
    }

    /// Nothing of what was changed is on disk.
    pub(super) fn take_back(&mut self) {
        for (key, before) in self.changes.drain(..).rev() {
            match before {
                Some(row) => self.rows.insert(key, row),
                None => self.rows.remove(&key),
            };
        }
    }
}

impl<K: Ord> FromIterator<(K, i64)> for Rows<K> {
    fn from_iter<I: IntoIterator<Item = (K, i64)>>(rows: I) -> Self {
        Self { rows: rows.into_iter().collect(), changes: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_leaves_nothing_behind() {
        let mut rows = Rows::from_iter([(1, 1), (2, 2)]);
        rows.remove(&1);
        rows.insert(1, 3);
        rows.remove(&2);
        rows.insert(4, 4);
        rows.take_back();
        assert_eq!([1, 2, 4].map(|key| rows.get(&key)), [Some(1), Some(2), None]);
        rows.take_back();
        assert_eq!(rows.get(&1), Some(1), "and what was kept stays");
        rows.insert(4, 4);
        rows.keep();
        rows.take_back();
        assert_eq!((rows.get(&4), rows.len()), (Some(4), 3));
    }
}
