//! What another process may do while a server has the data folder.
//!
//! Reading needs no permission ([`super::read::Reader`]). The writes are a person's `findings retry` and `findings resolve`: each a
//! single short transaction under SQLite's own lock, for which the server's writer waits. The server finds the case at its next look,
//! at the latest when its workers' idle time ends.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::{StoreError, case::CaseId, lease, schema, suspicion};

/// Makes a case ready again, whether or not a server runs; see [`super::Store::retry`].
pub fn retry(folder: &Path, case: CaseId, now: i64) -> Result<(), StoreError> {
    write(folder, |connection| lease::retry(connection, case, now))
}

/// Ends a case as if its sender had said that it is over, whether or not a server runs.
pub fn resolve(folder: &Path, case: CaseId, now: i64) -> Result<(), StoreError> {
    write(folder, |connection| suspicion::resolve(connection, case, now))
}

fn write(
    folder: &Path,
    what: impl Fn(&Connection) -> rusqlite::Result<Result<(), StoreError>>,
) -> Result<(), StoreError> {
    let mut connection = schema::open_existing(folder, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let mut whole = || -> rusqlite::Result<Result<(), StoreError>> {
        connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA secure_delete = ON")?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = what(&transaction)?;
        transaction.commit()?;
        Ok(done)
    };
    whole().map_err(|error| StoreError::Failed(error.to_string()))?
}
