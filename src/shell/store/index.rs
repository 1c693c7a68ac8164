//! Which cases are open, by what they are about: what tells a new trouble from a further report of a known one.
//!
//! It stands in memory, in the order of an index. On disk such keys lie at random, and each new case would write a page
//! for its own key: as much as for all else that is known of it. There the same entries stand in the order of the cases
//! (the index `case_open`), and are read once, when the store is opened. An entry takes about 80 bytes of memory, a
//! twentieth of what its case takes of the disk.

use rusqlite::Connection;

use super::rows::Rows;

/// The open cases.
pub(super) type OpenCases = Rows<Key>;

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

/// Reads the open cases of a database.
pub(super) fn read(connection: &Connection) -> rusqlite::Result<OpenCases> {
    connection
        .prepare(
            "SELECT subject, identity, repository, id FROM finding_case INDEXED BY case_open WHERE state <> 'resolved'",
        )?
        .query_map([], |row| {
            Ok((Key { subject: row.get(0)?, identity: row.get(1)?, repository: row.get(2)? }, row.get(3)?))
        })?
        .collect()
}

/// The cases of a subject, of any fields and repository.
pub(super) fn about(cases: &OpenCases, subject: [u8; 16]) -> impl Iterator<Item = (&Key, i64)> {
    let first = Key { subject, identity: [0; 16], repository: i64::MIN };
    let last = Key { subject, identity: [0xFF; 16], repository: i64::MAX };
    cases.between(first, last).map(|(key, id)| (key, *id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(subject: u8, identity: u8, repository: i64) -> Key {
        Key { subject: [subject; 16], identity: [identity; 16], repository }
    }

    #[test]
    fn a_subject_has_all_its_cases_and_no_other() {
        let open = OpenCases::from_iter([
            (key(1, 9, 1), 1),
            (key(2, 0, 0), 2),
            (key(2, 0xFF, 7), 3),
            (key(2, 0xFF, -1), 4),
            (key(3, 0, 0), 5),
        ]);
        let ids = |subject: u8| about(&open, [subject; 16]).map(|(_, id)| id).collect::<Vec<_>>();
        assert_eq!([ids(1), ids(2), ids(3), ids(4)], [vec![1], vec![2, 4, 3], vec![5], vec![]]);
    }
}
