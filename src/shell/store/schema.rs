//! The database file: how it is opened, and how it came to look as it does.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags};

use super::{Options, StoreError};

/// The migrations, oldest first; `user_version` counts those that were applied. Never edit one that was released.
const MIGRATIONS: &[&str] = &["
    -- Which deliveries were taken, so that a repeated one is not taken twice.
    CREATE TABLE delivery (
        sender      TEXT NOT NULL,
        id          TEXT NOT NULL,
        digest      BLOB NOT NULL,
        received_at INTEGER NOT NULL,
        PRIMARY KEY (sender, id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX delivery_age ON delivery (received_at);

    -- Deliveries that could not be mapped; the newest thousand.
    CREATE TABLE rejection (
        id          INTEGER PRIMARY KEY AUTOINCREMENT,
        sender      TEXT NOT NULL,
        delivery    TEXT NOT NULL,
        received_at INTEGER NOT NULL,
        size        INTEGER NOT NULL,
        reason      TEXT NOT NULL
    ) STRICT;

    -- The unit of work. The token grows with every claim, over restarts too; no lease means free.
    CREATE TABLE repository (
        id          INTEGER PRIMARY KEY,
        slug        TEXT NOT NULL UNIQUE,
        token       INTEGER NOT NULL DEFAULT 0,
        lease_until INTEGER,
        owner       TEXT
    ) STRICT;

    -- A trouble and what became of it. The newest case is never deleted, so that no number is given twice. Repository 0
    -- stands for none. Identity and subject are the first 128 bits of the fingerprint and of the fingerprint without the
    -- fields, by which a report that all is well again finds the cases of one resource. The long text comes last, so that
    -- reading the other columns does not touch its overflow pages.
    CREATE TABLE finding_case (
        id               INTEGER PRIMARY KEY,
        repository       INTEGER NOT NULL,
        subject          BLOB NOT NULL,
        identity         BLOB NOT NULL,
        fingerprint      TEXT NOT NULL,
        state            TEXT NOT NULL,
        due_at           INTEGER,
        attempts         INTEGER NOT NULL DEFAULT 0,
        crashes          INTEGER NOT NULL DEFAULT 0,
        revision         INTEGER NOT NULL DEFAULT 1,
        claimed_revision INTEGER,
        reports          INTEGER NOT NULL DEFAULT 1,
        content          BLOB NOT NULL,
        sender           TEXT NOT NULL,
        pull_number      INTEGER,
        pull_url         TEXT,
        created_at       INTEGER NOT NULL,
        updated_at       INTEGER NOT NULL,
        reported_at      INTEGER NOT NULL,
        reason           TEXT,
        finding          TEXT NOT NULL
    ) STRICT;
    -- What the writer has to know of the open cases, of which there is one per trouble; by number, so that new ones are
    -- written side by side.
    CREATE INDEX case_open ON finding_case (id, subject, identity, repository) WHERE state <> 'resolved';
    -- The queue: due_at is set exactly for ready and waiting cases.
    CREATE INDEX case_due ON finding_case (repository, due_at) WHERE due_at IS NOT NULL;
    CREATE INDEX case_state ON finding_case (state, updated_at);
", "
    -- What the forge knows a repository as. Its number survives renaming; another repository may come to have its name.
    -- `away` says why it is not worked on: the forge took it away from us.
    ALTER TABLE repository ADD COLUMN forge_id INTEGER;
    ALTER TABLE repository ADD COLUMN named TEXT;
    ALTER TABLE repository ADD COLUMN away TEXT;
    ALTER TABLE repository ADD COLUMN dashboard INTEGER;
    ALTER TABLE repository ADD COLUMN dashboard_due INTEGER;

    -- What is remembered of a case's pull request, and what a person decided: beside the case, whose long text would have
    -- to be passed over to reach further columns.
    CREATE TABLE proposal (
        case_id    INTEGER PRIMARY KEY,
        repository INTEGER NOT NULL,
        standing   TEXT NOT NULL,
        branch     TEXT NOT NULL,
        lead       TEXT NOT NULL,
        edits      TEXT NOT NULL,
        change     TEXT
    ) STRICT;
    CREATE INDEX proposal_branch ON proposal (repository, branch);
    CREATE TABLE decision (
        case_id  INTEGER PRIMARY KEY,
        decision TEXT NOT NULL
    ) STRICT;
    CREATE TRIGGER case_gone AFTER DELETE ON finding_case BEGIN
        DELETE FROM proposal WHERE case_id = OLD.id;
        DELETE FROM decision WHERE case_id = OLD.id;
    END;
    CREATE INDEX case_pull ON finding_case (repository, pull_number) WHERE pull_number IS NOT NULL;

    -- When pull requests were opened, for the hourly limits.
    CREATE TABLE opening (
        repository INTEGER NOT NULL,
        at         INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX opening_at ON opening (at);

    -- What people asked for on the forge, until it is done; and the pull request whose cases are needed for that.
    CREATE TABLE request (
        id          INTEGER PRIMARY KEY,
        repository  INTEGER NOT NULL,
        pull_number INTEGER,
        due_at      INTEGER NOT NULL,
        attempts    INTEGER NOT NULL DEFAULT 0,
        body        TEXT NOT NULL
    ) STRICT;
    CREATE INDEX request_due ON request (repository, due_at);
", "
    -- The pull request that introduced us to a repository, and whether there is nothing more to do about it.
    ALTER TABLE repository ADD COLUMN onboarding INTEGER;
    ALTER TABLE repository ADD COLUMN onboarded INTEGER NOT NULL DEFAULT 0;

    -- Numbers of repositories that are no more: what still comes of them is not of their successors.
    CREATE TABLE gone (
        forge_id INTEGER PRIMARY KEY,
        at       INTEGER NOT NULL
    ) STRICT;

    -- Deliveries of the forge that failed and were asked for again, so that each is so once.
    CREATE TABLE redelivery (
        id TEXT PRIMARY KEY,
        at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
", "
    -- Which objects detectors report, as they were named and as they turned out to be; and which cases are held because of
    -- which report. When it is over they are judged again.
    CREATE TABLE suspicion (
        case_id    INTEGER NOT NULL,
        object     TEXT NOT NULL,
        namespace  TEXT,
        repository INTEGER NOT NULL,
        PRIMARY KEY (case_id, object)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX suspicion_object ON suspicion (repository, object);
    CREATE TABLE suspect (
        case_id   INTEGER PRIMARY KEY,
        suspicion INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX suspect_of ON suspect (suspicion);
    CREATE TRIGGER suspicion_over AFTER UPDATE OF state ON finding_case
    WHEN NEW.state IN ('resolved', 'ignored') AND OLD.state <> NEW.state BEGIN
        UPDATE finding_case SET state = 'ready', due_at = NEW.updated_at, attempts = 0, reason = NULL
            WHERE state = 'refused' AND id IN (SELECT case_id FROM suspect WHERE suspicion = NEW.id);
        DELETE FROM suspect WHERE suspicion = NEW.id OR case_id = NEW.id;
        DELETE FROM suspicion WHERE case_id = NEW.id AND NEW.state = 'resolved';
    END;
    CREATE TRIGGER suspicion_gone AFTER DELETE ON finding_case BEGIN
        DELETE FROM suspect WHERE suspicion = OLD.id OR case_id = OLD.id;
        DELETE FROM suspicion WHERE case_id = OLD.id;
    END;
", "
    -- Deliveries in the order in which they came: see `deliveries.rs`.
    CREATE TABLE arrived (
        number      INTEGER PRIMARY KEY,
        sender      TEXT NOT NULL,
        id          TEXT NOT NULL,
        digest      BLOB NOT NULL,
        received_at INTEGER NOT NULL
    ) STRICT;
    INSERT INTO arrived (sender, id, digest, received_at)
        SELECT sender, id, digest, received_at FROM delivery ORDER BY received_at;
    DROP TABLE delivery;
    ALTER TABLE arrived RENAME TO delivery;
"];

/// The version that this program reads and writes.
pub(super) const VERSION: i64 = MIGRATIONS.len() as i64;

/// Pages of the write-ahead log (4 KiB each) before they are moved into the database: the more, the more often a page that
/// changed many times is moved only once.
const CHECKPOINT_PAGES: i64 = 16_000;

/// Memory for pages of the writing connection, in KiB.
const CACHE_KIB: i64 = 32 << 10;

/// Refuses libraries with the WAL-reset bug (SQLite 3.7.0 to 3.51.2).
pub(super) fn check_library() -> Result<(), StoreError> {
    if rusqlite::version_number() < 3_051_003 {
        return Err(StoreError::Library(rusqlite::version().to_owned()));
    }
    Ok(())
}

/// Opens the writing connection of a data folder and brings its schema up to date.
pub(super) fn open(folder: &Path, options: Options) -> Result<Connection, StoreError> {
    let path = folder.join("findings.db");
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = connect(&path, flags)?;
    let version = version(&connection).map_err(|error| folder_error(&path, &error))?;
    if version > VERSION {
        return Err(StoreError::Newer { path, found: version, known: VERSION });
    }
    let mode: String = connection
        .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
        .map_err(|error| folder_error(&path, &error))?;
    if mode != "wal" {
        let error = format!("the file system allows no write-ahead log (journal mode {mode}): use a local disk");
        return Err(StoreError::Folder { path, error });
    }
    let prepare = || -> rusqlite::Result<()> {
        connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY;")?;
        // What is deleted or replaced may have been secret.
        connection.execute_batch("PRAGMA secure_delete = ON")?;
        connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        connection.pragma_update(None, "journal_size_limit", 128 << 20)?;
        if let Some(limit) = options.limit {
            let page: i64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
            let pages = i64::try_from(limit).unwrap_or(i64::MAX) / page;
            connection.pragma_update(None, "max_page_count", pages.max(64))?;
        }
        connection.set_prepared_statement_cache_capacity(64);
        Ok(())
    };
    prepare().map_err(|error| folder_error(&path, &error))?;
    migrate(&mut connection, version).map_err(|error| folder_error(&path, &error))?;
    Ok(connection)
}

/// Opens a further connection to a database that exists and has this program's version.
pub(super) fn open_existing(folder: &Path, access: OpenFlags) -> Result<Connection, StoreError> {
    check_library()?;
    let path = folder.join("findings.db");
    if !path.exists() {
        return Err(StoreError::Absent(folder.to_owned()));
    }
    let connection = connect(&path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    match version(&connection).map_err(|error| folder_error(&path, &error))? {
        VERSION => Ok(connection),
        0 => Err(StoreError::Absent(folder.to_owned())),
        found if found > VERSION => Err(StoreError::Newer { path, found, known: VERSION }),
        found => Err(StoreError::Folder {
            path,
            error: format!("version {found} has to be brought to {VERSION} first: start the server once"),
        }),
    }
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(path, flags).map_err(|error| folder_error(path, &error))?;
    connection.busy_timeout(Duration::from_secs(5)).map_err(|error| folder_error(path, &error))?;
    Ok(connection)
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

fn migrate(connection: &mut Connection, version: i64) -> rusqlite::Result<()> {
    for (number, migration) in (1..).zip(MIGRATIONS).filter(|(number, _)| *number > version) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", number)?;
        transaction.commit()?;
    }
    Ok(())
}

fn folder_error(path: &Path, error: &rusqlite::Error) -> StoreError {
    StoreError::Folder { path: path.to_owned(), error: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_of_the_first_version_keeps_its_cases_and_deliveries() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = Connection::open(folder.path().join("findings.db")).expect("opens");
        first.execute_batch(MIGRATIONS[0]).expect("made");
        first
            .execute_batch(
                "PRAGMA user_version = 1; INSERT INTO repository (id, slug) VALUES (1, 'acme/shop'); \
                 INSERT INTO finding_case (repository, subject, identity, fingerprint, state, content, sender, pull_number, \
                 pull_url, created_at, updated_at, reported_at, finding) VALUES (1, x'00', x'00', 'f', 'proposed', x'00', \
                 's', 7, 'u', 1, 1, 1, '{}'); \
                 INSERT INTO delivery VALUES ('s', 'b', x'02', 2), ('s', 'a', x'03', 3), ('s', 'c', x'01', 1)",
            )
            .expect("filled");
        drop(first);
        let connection = open(folder.path(), Options::default()).expect("opens");
        assert_eq!(version(&connection), Ok(VERSION));
        let kept = "SELECT c.pull_number FROM finding_case c LEFT JOIN proposal p ON p.case_id = c.id \
                    WHERE p.case_id IS NULL";
        assert_eq!(connection.query_row(kept, [], |row| row.get(0)), Ok(7));
        let came = "SELECT group_concat(id, '') FROM (SELECT id FROM delivery ORDER BY number)";
        assert_eq!(
            connection.query_row(came, [], |row| row.get(0)),
            Ok("cba".to_owned()),
            "in the order in which they came"
        );
    }

    #[test]
    fn migrations_apply_one_by_one_and_a_newer_database_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let connection = open(folder.path(), Options::default()).expect("opens");
        assert_eq!(version(&connection), Ok(VERSION));
        drop(connection);
        let connection = open(folder.path(), Options::default()).expect("opens again");
        connection.pragma_update(None, "user_version", VERSION + 1).expect("writes");
        drop(connection);
        let refused = StoreError::Newer { path: folder.path().join("findings.db"), found: VERSION + 1, known: VERSION };
        assert_eq!(open(folder.path(), Options::default()).err(), Some(refused.clone()));
        assert_eq!(open_existing(folder.path(), OpenFlags::SQLITE_OPEN_READ_ONLY).err(), Some(refused));
    }
}
