//! Which cases are open, by what they are about: what tells a new trouble from a further report of a known one.
//!
//! It stands in memory, in the order of an index. On disk such keys lie at random, and each new case would write a page
//! for its own key: as much as for all else that is known of it. There the same entries stand in the order of the cases
//! (the index `case_open`), and are read once, when the store is opened. An entry takes about 80 bytes of memory, a
//! twentieth of what its case takes of the disk.

use std::collections::BTreeMap;

use rusqlite::Connection;

/// The open cases.
#[derive(Debug, Default)]
pub(super) struct OpenCases {
    cases: BTreeMap<Key, i64>,
    /// What the group that is being written has changed, with what stood there before.
    changes: Vec<(Key, Option<i64>)>,
}

/// What makes further reports the same case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    /// The first 128 bits of the fingerprint without the fields.
    pub(super) subject: [u8; 16],
    /// The first 128 bits of the fingerprint.
    pub(super) identity: [u8; 16],
    /// Its row; 0 for none.
    pub(super) repository: i64,
}

impl OpenCases {
    /// Reads those of a database.
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let cases = connection
            .prepare(
                "SELECT subject, identity, repository, id FROM finding_case INDEXED BY case_open \
                 WHERE state <> 'resolved'",
            )?
            .query_map([], |row| {
                Ok((Key { subject: row.get(0)?, identity: row.get(1)?, repository: row.get(2)? }, row.get(3)?))
            })?
            .collect::<Result<_, _>>()?;
        Ok(Self { cases, changes: Vec::new() })
    }

    /// The case of a key.
    pub(super) fn get(&self, key: &Key) -> Option<i64> {
        self.cases.get(key).copied()
    }

    /// The cases of a subject, of any fields and repository.
    pub(super) fn about(&self, subject: [u8; 16]) -> impl Iterator<Item = (&Key, i64)> {
        let first = Key { subject, identity: [0; 16], repository: i64::MIN };
        let last = Key { subject, identity: [0xFF; 16], repository: i64::MAX };
        self.cases.range(first..=last).map(|(key, id)| (key, *id))
    }

    /// Notes a new case.
    pub(super) fn insert(&mut self, key: Key, id: i64) {
        let before = self.cases.insert(key, id);
        self.changes.push((key, before));
    }

    /// Notes that a case is over.
    pub(super) fn remove(&mut self, key: &Key) {
        let before = self.cases.remove(key);
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
                Some(id) => self.cases.insert(key, id),
                None => self.cases.remove(&key),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(subject: u8, identity: u8, repository: i64) -> Key {
        Key { subject: [subject; 16], identity: [identity; 16], repository }
    }

    #[test]
    fn a_subject_has_all_its_cases_and_no_other() {
        let mut open = OpenCases::default();
        let all =
            [(key(1, 9, 1), 1), (key(2, 0, 0), 2), (key(2, 0xFF, 7), 3), (key(2, 0xFF, -1), 4), (key(3, 0, 0), 5)];
        for (key, id) in all {
            open.insert(key, id);
        }
        let ids = |subject: u8| open.about([subject; 16]).map(|(_, id)| id).collect::<Vec<_>>();
        assert_eq!([ids(1), ids(2), ids(3), ids(4)], [vec![1], vec![2, 4, 3], vec![5], vec![]]);
    }

    #[test]
    fn what_fails_leaves_nothing_behind() {
        let mut open = OpenCases::default();
        open.insert(key(1, 1, 1), 1);
        open.insert(key(2, 2, 2), 2);
        open.keep();
        open.remove(&key(1, 1, 1));
        open.insert(key(1, 1, 1), 3);
        open.remove(&key(2, 2, 2));
        open.insert(key(4, 4, 4), 4);
        open.take_back();
        let stand = [key(1, 1, 1), key(2, 2, 2), key(4, 4, 4)].map(|key| open.get(&key));
        assert_eq!(stand, [Some(1), Some(2), None]);
        open.take_back();
        assert_eq!(open.get(&key(1, 1, 1)), Some(1), "and what was kept stays");
    }
}
