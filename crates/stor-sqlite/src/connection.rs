//! Opens connections and keeps them for the next read transaction. A connection is dropped when the
//! files under it have changed.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode};
use scrollback_core_id::Clock;

use crate::access::{Access, with_temporary_tables};
use crate::error::Result;
use crate::files::{DatabaseFiles, FileStamps};
use crate::rebuilt_index::rebuild_indexes;
use crate::schema::Schema;
use crate::schema_cache::{self, SchemaCache};
use crate::suspicion::{RepeatedRows, TableNames};

/// The most connections that a pool keeps.
const MAX_IDLE: usize = 8;
/// Bytes that SQLite may use beyond the largest text: for the other columns of a row that it sorts,
/// and for the schema.
const LENGTH_MARGIN: u64 = 1 << 20;
/// The resolution that is assumed for mtimes. Two changes of a file within this time may leave the
/// same mtime.
const MTIME_RESOLUTION: Duration = Duration::from_millis(20);

/// An open connection with the schema of its database.
#[derive(Debug)]
pub(crate) struct Conn {
    pub(crate) db: Connection,
    pub(crate) access: Access,
    pub(crate) schema: Arc<Schema>,
    pub(crate) database_files: DatabaseFiles,
    /// The stamps of the files when the connection was opened.
    files: FileStamps,
    /// The tables that are read through indexes in memory.
    rebuilt: TableNames,
    /// How many rows of these tables are left out, because another row has the same ids.
    pub(crate) repeated_rows: RepeatedRows,
    /// The version of the data when these indexes were made.
    rebuilt_version: i64,
}

impl Conn {
    fn open(
        database_files: DatabaseFiles,
        clock: &dyn Clock,
        max_len: u64,
        schemas: &SchemaCache,
    ) -> Result<Self> {
        // Without SQLite's isolation, only the stamps show a change. A file that changed within the
        // resolution of mtimes could change again under the same stamp, so wait first. A writer may
        // come during the wait, so choose again after it.
        let mut files = database_files.stat();
        let mut access = Access::choose(&files, || database_files.is_writable());
        if !access.is_isolated() {
            files = wait_until_settled(&database_files, files, clock);
            access = Access::choose(&files, || database_files.is_writable());
        }
        let db = match access.open(&database_files.path) {
            // The `-shm` file exists but cannot be used: it belongs to another user, or the medium
            // is read-only. The log can still be read without locks. A journal is different:
            // without its rollback the database holds half a transaction, so the error stands.
            Err(error)
                if access.is_isolated() && is_about_side_files(&error) && !files.has_journal() =>
            {
                files = wait_until_settled(&database_files, files, clock);
                access = if files.has_log() { Access::Detached } else { Access::Immutable };
                access.open(&database_files.path)
            }
            result => result,
        }?;
        let limit = i32::try_from(max_len.saturating_add(LENGTH_MARGIN)).unwrap_or(i32::MAX);
        db.set_limit(Limit::SQLITE_LIMIT_LENGTH, limit)?;
        let schema = schemas.get(&db, files.database)?;
        let (rebuilt, rebuilt_version) = (TableNames::new(), 0);
        let repeated_rows = RepeatedRows::new();
        Ok(Self {
            db,
            access,
            schema,
            database_files,
            files,
            rebuilt,
            repeated_rows,
            rebuilt_version,
        })
    }

    /// Checks whether all reads since the connection was opened come from one state of the database
    /// that still holds.
    pub(crate) fn is_undisturbed(&self) -> bool {
        self.access.is_isolated() || self.database_files.is_unchanged(&self.files)
    }

    /// Checks whether the connection can serve another read transaction of the database at this
    /// path, given its files now.
    pub(crate) fn is_reusable(&self, database: &Path) -> bool {
        let inode = |files: &FileStamps| files.database.map(|stamp| stamp.inode);
        let now = self.database_files.stat();
        self.database_files.is_at(database, &now)
            && match self.access.is_isolated() {
                true => inode(&self.files) == inode(&now),
                // A new `-shm` file means that a writer has come. The database must then be opened
                // as shared.
                false => self.files.has_same_content(&now) && now.shm == self.files.shm,
            }
    }

    /// Returns the present stamps of the database files.
    pub(crate) fn stat_files(&self) -> FileStamps {
        self.database_files.stat()
    }

    /// Checks whether the schema changed, or VACUUM moved the rows, since the schema was read.
    pub(crate) fn is_outdated(&self) -> rusqlite::Result<bool> {
        Ok(Schema::version_of(&self.db)? != self.schema.version)
    }

    /// Reads the schema again if it is outdated.
    pub(crate) fn refresh_schema(&mut self) -> Result<()> {
        if self.is_outdated()? {
            self.schema = schema_cache::read_schema(&self.db, self.schema.max_text_len)?;
        }
        Ok(())
    }

    /// Makes all queries read these tables, and the tables without keys, through indexes that are
    /// rebuilt in memory, as of now.
    pub(crate) fn avoid_indexes(&mut self, unsound: &TableNames) -> Result<()> {
        let tables: TableNames = unsound.union(&self.schema.without_keys).copied().collect();
        if tables.is_empty() {
            return Ok(());
        }
        // Without isolation, a connection is dropped when the files change.
        let version = match self.access.is_isolated() {
            true => self.db.query_row("PRAGMA data_version", [], |row| row.get(0))?,
            false => 0,
        };
        if self.rebuilt != tables || self.rebuilt_version != version {
            let rebuild = |db: &Connection| rebuild_indexes(db, &tables);
            self.repeated_rows = with_temporary_tables(&mut self.db, rebuild)?;
            (self.rebuilt, self.rebuilt_version) = (tables, version);
        }
        Ok(())
    }

    /// Checks whether some tables are read through indexes in memory.
    fn is_rebuilt(&self) -> bool {
        !self.rebuilt.is_empty()
    }

    /// Changes all queries to select the size of a text over `max_len` instead of the text.
    pub(crate) fn select_sizes_first(&mut self, max_len: u64) -> Result<()> {
        self.schema = schema_cache::read_schema(&self.db, Some(max_len))?;
        Ok(())
    }
}

/// The idle connections of a store, and the schema that its connections share.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    idle: Mutex<Vec<Conn>>,
    schemas: SchemaCache,
}

impl Pool {
    /// Returns a connection that reads the present state of the database.
    pub(crate) fn take(&self, database: &Path, clock: &dyn Clock, max_len: u64) -> Result<Conn> {
        loop {
            let Some(mut conn) = lock(&self.idle).pop() else { break };
            if conn.is_reusable(database) {
                // The views in place of tables have the columns of the schema that was read.
                if conn.is_rebuilt() && conn.is_outdated().unwrap_or(true) {
                    continue;
                }
                match conn.refresh_schema() {
                    Ok(()) => return Ok(conn),
                    Err(error) if error.is_transient() => {}
                    Err(error) => return Err(error),
                }
            }
        }
        let files = DatabaseFiles::find(database)?;
        files.refuse_special_files()?;
        Conn::open(files, clock, max_len, &self.schemas)
    }

    /// Keeps a connection for the next read transaction.
    pub(crate) fn give(&self, conn: Conn) {
        let mut idle = lock(&self.idle);
        // A connection with a transaction that could not be ended is dropped.
        if idle.len() < MAX_IDLE && conn.db.is_autocommit() {
            idle.push(conn);
        }
    }
}

/// Waits until the next change of the files is certain to change their mtimes. Returns the stamps
/// after the wait.
fn wait_until_settled(
    database_files: &DatabaseFiles,
    mut files: FileStamps,
    clock: &dyn Clock,
) -> FileStamps {
    const MAX_TRIES: usize = 8;
    for _ in 0..MAX_TRIES {
        let newest = files.newest_stamp();
        if newest.is_none_or(|newest| newest.is_settled_at(clock.now(), MTIME_RESOLUTION)) {
            break;
        }
        clock.pause(MTIME_RESOLUTION);
        files = database_files.stat();
    }
    files
}

/// Checks whether SQLite failed to open or use the side files.
fn is_about_side_files(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
