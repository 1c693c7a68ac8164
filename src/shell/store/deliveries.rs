//! Which deliveries were taken, so that a repeated one is not taken twice.
//!
//! Their names lie at random: in an index on disk each of them would write a page of its own, more than all else that is
//! known of its findings. So the disk has them in the order in which they came, and memory knows the row of each by a hash of
//! its name, in some 40 bytes. A hash alone proves nothing: what is found is compared with the row.

use std::hash::{BuildHasher, RandomState};

use rusqlite::{Connection, OptionalExtension, params};

use super::{accept::Delivery, rows::Rows, writer::Session};

/// How many deliveries are remembered at most; of more the oldest are forgotten.
pub(super) const MOST: usize = 2_000_000;

/// The rows of the remembered deliveries.
#[derive(Debug)]
pub(super) struct Deliveries {
    rows: Rows<u64>,
    /// Nobody outside knows it, so that nobody can name two deliveries alike.
    hash: RandomState,
    most: usize,
}

/// Whether a delivery came before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// It did not, and is known from now on.
    Never,
    /// It did.
    Same,
    /// Another body came under its name.
    Other,
}

impl Deliveries {
    /// Reads those of a database, of which at most this many are to be remembered.
    pub(super) fn read(connection: &Connection, most: usize) -> rusqlite::Result<Self> {
        let hash = RandomState::new();
        let rows = connection
            .prepare("SELECT sender, id, number FROM delivery")?
            .query_map([], |row| {
                let (sender, id) = (row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?);
                Ok((hash.hash_one((sender, id)), row.get(2)?))
            })?
            .collect::<Result<_, _>>()?;
        Ok(Self { rows, hash, most })
    }

    /// What was changed is on disk.
    pub(super) fn keep(&mut self) {
        self.rows.keep();
    }

    /// Nothing of what was changed is on disk.
    pub(super) fn take_back(&mut self) {
        self.rows.take_back();
    }

    fn hash(&self, sender: &str, id: &str) -> u64 {
        self.hash.hash_one((sender, id))
    }
}

/// Takes a delivery unless it came before.
pub(super) fn take(session: &mut Session, delivery: &Delivery) -> rusqlite::Result<Seen> {
    let Delivery { sender, id, digest, received_at } = delivery;
    if let Some(known) = find(session, sender, id)? {
        return Ok(if known == digest { Seen::Same } else { Seen::Other });
    }
    let number = session
        .connection()
        .prepare_cached("INSERT INTO delivery (sender, id, digest, received_at) VALUES (?1, ?2, ?3, ?4)")?
        .insert(params![sender, id, digest, received_at])?;
    let deliveries = session.deliveries();
    let hash = deliveries.hash(sender, id);
    deliveries.rows.insert(hash, number);
    let many = deliveries.rows.len().saturating_sub(deliveries.most);
    if many > 0 {
        forget(session, i64::MAX, many)?;
    }
    Ok(Seen::Never)
}

/// Tells whether a delivery came.
pub(super) fn has(session: &mut Session, sender: &str, id: &str) -> rusqlite::Result<bool> {
    find(session, sender, id).map(|found| found.is_some())
}

/// Forgets the oldest deliveries that came until then, at most `limit` of them, and tells how many.
pub(super) fn forget(session: &mut Session, until: i64, limit: usize) -> rusqlite::Result<usize> {
    let mut old = Vec::new();
    {
        let mut statement = session
            .connection()
            .prepare_cached("SELECT number, received_at, sender, id FROM delivery ORDER BY number")?;
        let mut rows = statement.query([])?;
        while old.len() < limit
            && let Some(row) = rows.next()?
            && row.get::<_, i64>(1)? <= until
        {
            old.push((row.get::<_, i64>(0)?, row.get::<_, String>(2)?, row.get::<_, String>(3)?));
        }
    }
    let Some((last, ..)) = old.last() else { return Ok(0) };
    session.connection().prepare_cached("DELETE FROM delivery WHERE number <= ?1")?.execute([last])?;
    let deliveries = session.deliveries();
    for (number, sender, id) in &old {
        let hash = deliveries.hash(sender, id);
        if deliveries.rows.get(&hash) == Some(*number) {
            deliveries.rows.remove(&hash);
        }
    }
    Ok(old.len())
}

/// The digest of the delivery of this name.
fn find(session: &mut Session, sender: &str, id: &str) -> rusqlite::Result<Option<Vec<u8>>> {
    let deliveries = session.deliveries();
    let Some(number) = deliveries.rows.get(&deliveries.hash(sender, id)) else { return Ok(None) };
    session
        .connection()
        .prepare_cached("SELECT digest FROM delivery WHERE number = ?1 AND sender = ?2 AND id = ?3")?
        .query_one(params![number, sender, id], |row| row.get(0))
        .optional()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::store::{Options, schema};

    fn session(folder: &tempfile::TempDir, most: usize) -> Session {
        let connection = schema::open(folder.path(), Options::default()).expect("opens");
        let mut session = Session::new(connection).expect("reads");
        *session.deliveries() = Deliveries::read(session.connection(), most).expect("reads");
        session
    }

    fn delivery(id: usize, body: u8) -> Delivery {
        let received_at = i64::try_from(id).expect("small");
        Delivery { sender: "s".to_owned(), id: id.to_string(), digest: [body; 32], received_at }
    }

    #[test]
    fn a_delivery_is_known_until_it_is_forgotten_also_after_a_restart() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut first = session(&folder, 100);
        let all =
            first.alone(|session| (0..10).map(|id| take(session, &delivery(id, 1))).collect::<Result<Vec<_>, _>>());
        assert_eq!(all.expect("written"), [Seen::Never; 10]);
        drop(first);
        let mut second = session(&folder, 100);
        let mut again = |id, body| second.alone(|session| take(session, &delivery(id, body))).expect("written");
        assert_eq!([again(3, 1), again(3, 2), again(11, 1)], [Seen::Same, Seen::Other, Seen::Never]);
        assert_eq!(second.alone(|session| forget(session, 4, 3)), Ok(3));
        assert_eq!(second.alone(|session| forget(session, 4, 3)), Ok(2), "3 and 4; 5 came later");
        assert_eq!(second.alone(|session| forget(session, 4, 3)), Ok(0));
        let mut again = |id| second.alone(|session| take(session, &delivery(id, 1))).expect("written");
        assert_eq!([again(3), again(5)], [Seen::Never, Seen::Same]);
    }

    #[test]
    fn of_too_many_the_oldest_are_forgotten() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut session = session(&folder, 4);
        for id in 0..6 {
            assert_eq!(session.alone(|session| take(session, &delivery(id, 1))), Ok(Seen::Never));
        }
        let known: Vec<bool> =
            (0..6).map(|id| session.alone(|session| has(session, "s", &id.to_string())).expect("read")).collect();
        assert_eq!(known, [false, false, true, true, true, true]);
        let rows: i64 =
            session.connection().query_row("SELECT COUNT(*) FROM delivery", [], |row| row.get(0)).expect("counted");
        assert_eq!(rows, 4);
    }
}
