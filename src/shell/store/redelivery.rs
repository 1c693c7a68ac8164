//! Which deliveries of the forge were asked for again: each once, whatever becomes of it.

use rusqlite::{Connection, params};

use super::{deliveries, writer::Session};
use crate::webhook::github::SENDER;

/// See [`super::Store::ask_again`].
pub(super) fn ask(session: &mut Session, ids: &[String], limit: usize, now: i64) -> rusqlite::Result<Vec<String>> {
    let mut asked = Vec::new();
    for id in ids {
        if asked.len() == limit {
            break;
        }
        // One that the forge believes lost may have come all the same: the answer was, or came too late.
        if deliveries::has(session, SENDER, id)? {
            continue;
        }
        let fresh = session
            .connection()
            .prepare_cached("INSERT INTO redelivery (id, at) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
            .execute(params![id, now])?;
        if fresh == 1 {
            asked.push(id.clone());
        }
    }
    Ok(asked)
}

/// See [`super::Store::not_asked`].
pub(super) fn take_back(connection: &Connection, id: &str) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM redelivery WHERE id = ?1")?.execute([id]).map(drop)
}
