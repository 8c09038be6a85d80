//! Chooses how a database is opened, so that nothing in it changes and no new file stays beside it.
//!
//! The choice is a fallback chain. `docs/format/opencode.md`, section 5.1, explains each level.

use std::fmt;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::{Connection, OpenFlags};

use crate::error::is_damage;
use crate::files::FileStamps;
use crate::schema::tables::READ_TABLES;

/// How a database is opened.
///
/// ```
/// use std::sync::Arc;
/// use scrollback_core_id::{SourceId, SystemClock};
/// use scrollback_stor_sqlite::{Access, SqliteReader};
///
/// let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures");
/// let database = format!("{fixtures}/opencode-sqlite/opencode.db");
/// let store = SqliteReader::new(database, SourceId::new("opencode")?, Arc::new(SystemClock));
/// if store.access()? == Access::SideFiles {
///     println!("SQLite leaves a -shm file beside {}", store.database().display());
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Access {
    /// As any other SQLite program opens it. A writer has already made the side files that SQLite
    /// needs (or a rollback journal exists).
    Shared,
    /// As a file that does not change. Only possible without a log, because then no program writes.
    /// Takes no lock and makes no file. The reader compares the file stamps after every
    /// transaction.
    Immutable,
    /// Without locks. Used for a log in a directory that cannot be written, such as a read-only
    /// medium. SQLite reads the log into memory. The reader compares the file stamps after every
    /// transaction.
    Detached,
    /// As [`Access::Shared`], for a log without a `-shm` file. SQLite makes the `-shm` file and
    /// leaves it behind.
    SideFiles,
}

/// How long a reader waits for a writer that is just opening or closing the database.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

impl Access {
    /// Returns the first level of the fallback chain that fits these files.
    pub(crate) fn choose(files: &FileStamps, is_writable: impl FnOnce() -> bool) -> Self {
        // Both side files exist while a writer has the database open, or after it died. SQLite then
        // makes no file, and its locks isolate the reader. A journal needs those locks too: only
        // SQLite can judge whether the journal is hot. A `-shm` file alone is a leftover, and SQLite
        // would add a log to it, so it does not count here.
        if files.shm.is_some() && files.wal.is_some() || files.has_journal() {
            Self::Shared
        } else if !files.has_log() {
            // Without a log the database file alone holds everything. With a log this level would
            // silently lose the content of the log.
            Self::Immutable
        } else if is_writable() {
            // A log without its index: SQLite must make a `-shm` file to read it, and cannot remove
            // the file, because the connection is read-only.
            Self::SideFiles
        } else {
            // SQLite cannot make that file here. Exclusive locking keeps the index in memory.
            Self::Detached
        }
    }

    /// Checks whether SQLite itself shields a transaction from the changes of others.
    pub(crate) fn is_isolated(self) -> bool {
        matches!(self, Self::Shared | Self::SideFiles)
    }

    /// Opens the database at this path.
    ///
    /// # Errors
    ///
    /// Returns the error of SQLite if the database cannot be opened or its schema cannot be read.
    pub(crate) fn open(self, path: &Path) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_URI
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut db = Connection::open_with_flags(self.uri(path), flags)?;
        // Without this option, the last connection that closes moves the log into the database.
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        // Without this option, SQLite plans a statement again for each binding that may change the
        // plan.
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        db.busy_timeout(BUSY_TIMEOUT)?;
        db.set_prepared_statement_cache_capacity(64);
        if self == Self::Detached {
            // An exclusive connection keeps the index of the log in its own memory.
            db.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        }
        // A hostile page must be an error and not a read outside of the page. Nothing is kept in
        // files.
        db.execute_batch(
            "PRAGMA cell_size_check=ON; PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY;",
        )?;
        restrict(&mut db)?;
        // The first read opens the log, so that a problem with the side files shows here and not
        // later.
        db.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        Ok(db)
    }

    fn uri(self, path: &Path) -> String {
        let mut uri = String::from("file:");
        let path = path.as_os_str().as_encoded_bytes();
        if cfg!(windows) {
            uri.push('/');
        }
        for byte in path {
            match byte {
                b'\\' if cfg!(windows) => uri.push('/'),
                b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                    uri.push(char::from(*byte));
                }
                b':' if cfg!(windows) => uri.push(':'),
                byte => {
                    let _ = write!(uri, "%{byte:02X}"); // writing to a String never fails
                }
            }
        }
        uri.push_str("?mode=ro");
        match self {
            Self::Shared | Self::SideFiles => {}
            Self::Immutable => uri.push_str("&immutable=1"),
            Self::Detached if cfg!(windows) => uri.push_str("&vfs=win32-none"),
            Self::Detached => uri.push_str("&vfs=unix-none"),
        }
        uri
    }
}

/// The prefix of the temporary tables that have the indexes of a table in memory.
pub(crate) const REBUILT_PREFIX: &str = "rebuilt_";

/// The schema tables that are read besides the tables of opencode.
const SQLITE_TABLES: [&str; 5] = [
    "pragma_table_info",
    "pragma_index_list",
    "pragma_index_info",
    "sqlite_master",
    "sqlite_schema",
];

/// Checks whether a column may be read. Only the columns of [`READ_TABLES`] are allowed, without
/// their secret columns, so that no query can select credentials by mistake.
fn may_be_read(table: &str, column: &str) -> bool {
    let is_one_of = |name: &str, names: &[&str]| {
        names.iter().any(|candidate| candidate.eq_ignore_ascii_case(name))
    };
    // A temporary table has some columns of its table.
    let table = table.strip_prefix(REBUILT_PREFIX).unwrap_or(table);
    is_one_of(table, &SQLITE_TABLES)
        || READ_TABLES.iter().any(|read| {
            read.name.eq_ignore_ascii_case(table) && !is_one_of(column, read.secret_columns)
        })
}

/// Limits a connection to reading the known tables.
fn restrict(db: &mut Connection) -> rusqlite::Result<()> {
    db.pragma_update(None, "query_only", true)?;
    db.authorizer(Some(authorize))
}

/// Calls `change` on a connection that may make temporary tables and views meanwhile.
///
/// All its queries read one state of the database, and an error undoes all its changes. SQLite ends no
/// transaction that met a damaged page without an error, so then `change` is called without one.
pub(crate) fn with_temporary_tables<T>(
    db: &mut Connection,
    change: impl Fn(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    db.flush_prepared_statement_cache();
    db.authorizer(None::<fn(AuthContext<'_>) -> Authorization>)?;
    db.pragma_update(None, "query_only", false)?;
    let result = match in_transaction(db, &change) {
        Err(error) if is_damage(&error) => change(db),
        result => result,
    };
    restrict(db)?;
    // A statement that was prepared before would still read the table in place of the view.
    db.flush_prepared_statement_cache();
    result
}

fn in_transaction<T>(
    db: &Connection,
    change: impl Fn(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    if !db.is_autocommit() {
        return change(db); // a transaction is open
    }
    let transaction = db.unchecked_transaction()?;
    let changed = change(&transaction)?;
    transaction.commit()?;
    Ok(changed)
}

fn authorize(context: AuthContext<'_>) -> Authorization {
    let allowed = match context.action {
        AuthAction::Select | AuthAction::Pragma { .. } | AuthAction::Transaction { .. } => true,
        AuthAction::Function { .. } => true,
        AuthAction::Read { table_name, column_name } => may_be_read(table_name, column_name),
        _ => false,
    };
    if allowed { Authorization::Allow } else { Authorization::Deny }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Shared => "shared with the program that writes it",
            Self::Immutable => "immutable, as nobody writes it",
            Self::Detached => "without locks, as its directory cannot be written",
            Self::SideFiles => "shared; SQLite leaves a -shm file beside it",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_cannot_be_selected() {
        const SCHEMA: &str = include_str!("../../../fixtures/schema/opencode-1.18.33.sql");
        let mut db = Connection::open_in_memory().unwrap();
        db.execute_batch(SCHEMA).unwrap();
        db.authorizer(Some(authorize)).unwrap();
        for allowed in ["SELECT id, url FROM session_share", "SELECT * FROM message"] {
            assert!(db.prepare(allowed).is_ok(), "{allowed}");
        }
        for refused in [
            "SELECT secret FROM session_share",
            "SELECT * FROM session_share",
            "SELECT id FROM session_share WHERE SECRET > 'a'",
            "SELECT 1 FROM session_share ORDER BY secret",
            "SELECT access_token FROM account",
            "SELECT count(*) FROM credential",
            "SELECT id FROM session WHERE id IN (SELECT value FROM credential)",
            "SELECT refresh_token FROM control_account",
            "DELETE FROM session",
            "CREATE TEMP TABLE x AS SELECT * FROM session",
            "ATTACH 'other.db' AS other",
        ] {
            assert!(db.prepare(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn secrets_of_2x_cannot_be_selected() {
        const SCHEMA: &str = include_str!("../../../fixtures/schema/opencode-2.0.sql");
        // Tables that 1.18 has too. The schema file leaves them out.
        const SECRETS: &str =
            "CREATE TABLE account (id text, access_token text, refresh_token text);
            CREATE TABLE control_account (email text, access_token text, refresh_token text);
            CREATE TABLE credential (id text, label text, value text);
            CREATE TABLE account_state (id text, active_account_id text);
            CREATE VIEW kv_all AS SELECT * FROM credential;";
        let mut db = Connection::open_in_memory().unwrap();
        db.execute_batch(SCHEMA).unwrap();
        db.execute_batch(SECRETS).unwrap();
        db.authorizer(Some(authorize)).unwrap();
        for allowed in [
            "SELECT * FROM session_v2",
            "SELECT * FROM session_message",
            "SELECT * FROM session_inbox",
            "SELECT aggregate_id, seq FROM event_sequence",
            "SELECT value, time_updated FROM kv WHERE key = 'migration.v1-v2'",
        ] {
            assert!(db.prepare(allowed).is_ok(), "{allowed}");
        }
        for refused in [
            "SELECT access_token FROM account",
            "SELECT 1 FROM account_state WHERE active_account_id = 'x'",
            "SELECT refresh_token FROM control_account",
            "SELECT count(*) FROM credential",
            "SELECT value FROM credential",
            "SELECT id FROM session_v2 UNION ALL SELECT value FROM credential",
            "SELECT id FROM session_message WHERE data IN (SELECT value FROM credential)",
            "SELECT * FROM kv_all",
            "SELECT value FROM instruction_blob",
            "SELECT value FROM instruction_entry",
            "UPDATE kv SET value = 'x'",
            "DELETE FROM session_v2",
        ] {
            assert!(db.prepare(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn temporary_tables_are_made_from_one_state_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        let writer = Connection::open(&path).unwrap();
        writer.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE message (id text)").unwrap();
        let mut db = Connection::open(&path).unwrap();
        let count = |db: &Connection| -> rusqlite::Result<i64> {
            db.query_row("SELECT count(*) FROM message", [], |row| row.get(0))
        };
        let counts = with_temporary_tables(&mut db, |db| {
            let before = count(db)?;
            writer.execute("INSERT INTO message VALUES ('m')", [])?;
            Ok((before, count(db)?))
        });
        assert_eq!(counts.unwrap(), (0, 0));
        assert_eq!(count(&db).unwrap(), 1);

        let failed: rusqlite::Result<()> = with_temporary_tables(&mut db, |db| {
            db.execute_batch("CREATE TEMP VIEW message AS SELECT 1 AS id WHERE 0")?;
            Err(rusqlite::Error::InvalidQuery)
        });
        assert!(failed.is_err());
        assert_eq!(count(&db).unwrap(), 1, "the half change is undone");
    }
}
