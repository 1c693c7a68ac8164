//! What another process may do while a server has the data folder.
//!
//! Reading needs no permission ([`super::read::Reader`]). The one write is a person's `findings retry`: a single short
//! transaction under SQLite's own lock, for which the server's writer waits. The server finds the case at its next look,
//! at the latest when its workers' idle time ends.

use std::path::Path;

use rusqlite::{OpenFlags, TransactionBehavior};

use super::{StoreError, case::CaseId, lease, schema};

/// Makes a case ready again, whether or not a server runs; see [`super::Store::retry`].
pub fn retry(folder: &Path, case: CaseId, now: i64) -> Result<(), StoreError> {
    let mut connection = schema::open_existing(folder, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let mut whole = || -> rusqlite::Result<Result<(), StoreError>> {
        connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA secure_delete = ON")?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = lease::retry(&transaction, case, now)?;
        transaction.commit()?;
        Ok(done)
    };
    whole().map_err(|error| StoreError::Failed(error.to_string()))?
}
