//! Connections: opened as the ladder says, kept for the next look, given up when the files that
//! they were opened over have changed under them.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode};
use scrollback_core_id::Clock;

use crate::access::Access;
use crate::error::Result;
use crate::files::{DatabaseFiles, FileStamps};
use crate::schema::Schema;
use crate::schema_cache::{self, SchemaCache};

/// Connections that are kept for the next look.
const MAX_IDLE: usize = 8;
/// Room beside the largest text: for what else is in a row that SQLite sorts, and for the schema.
const LENGTH_MARGIN: u64 = 1 << 20;
/// Two changes of a file closer to each other than this may leave it the same mtime.
const MTIME_RESOLUTION: Duration = Duration::from_millis(20);

/// An open database.
#[derive(Debug)]
pub(crate) struct Conn {
    pub(crate) db: Connection,
    pub(crate) access: Access,
    pub(crate) schema: Arc<Schema>,
    database_files: DatabaseFiles,
    /// The files when it was opened.
    files: FileStamps,
}

impl Conn {
    fn open(
        database_files: DatabaseFiles,
        clock: &dyn Clock,
        max_len: u64,
        schemas: &SchemaCache,
    ) -> Result<Self> {
        let mut files = database_files.stat();
        let mut access = Access::choose(&files, || database_files.is_writable());
        if !access.is_isolated() {
            files = wait_until_settled(&database_files, files, clock);
            access = Access::choose(&files, || database_files.is_writable());
        }
        let db = match access.open(&database_files.path) {
            // There is a `-shm` that we may not use: another user's, or on a read-only medium. A
            // journal is another thing: without it the database is half of a transaction.
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
        Ok(Self { db, access, schema, database_files, files })
    }

    /// Whether all that was read since it was opened is of one state, and still holds.
    pub(crate) fn is_undisturbed(&self) -> bool {
        self.access.is_isolated() || self.database_files.is_unchanged(&self.files)
    }

    /// Whether it may be used for another look at the database of this path, as its files are now.
    pub(crate) fn is_reusable(&self, database: &Path) -> bool {
        let inode = |files: &FileStamps| files.database.map(|stamp| stamp.inode);
        let now = self.database_files.stat();
        self.database_files.is_at(database, &now)
            && match self.access.is_isolated() {
                true => inode(&self.files) == inode(&now),
                // With side files there, someone writes: then it is read as anyone would.
                false => self.files.has_same_content(&now) && now.shm == self.files.shm,
            }
    }

    /// What its files look like now.
    pub(crate) fn stat_files(&self) -> FileStamps {
        self.database_files.stat()
    }

    /// Whether the schema is another one by now, or everything moved within it.
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

    /// From now on asks for the size of a text before the text.
    pub(crate) fn select_sizes_first(&mut self, max_len: u64) -> Result<()> {
        self.schema = schema_cache::read_schema(&self.db, Some(max_len))?;
        Ok(())
    }
}

/// The connections of a store that nobody uses at the moment, and the schema that all share.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    idle: Mutex<Vec<Conn>>,
    schemas: SchemaCache,
}

impl Pool {
    /// A connection that sees the database as it is now.
    pub(crate) fn take(&self, database: &Path, clock: &dyn Clock, max_len: u64) -> Result<Conn> {
        loop {
            let Some(mut conn) = lock(&self.idle).pop() else { break };
            if conn.is_reusable(database) {
                match conn.refresh_schema() {
                    Ok(()) => return Ok(conn),
                    Err(error) if error.is_transient() => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Conn::open(DatabaseFiles::find(database)?, clock, max_len, &self.schemas)
    }

    /// Keeps a connection for the next look.
    pub(crate) fn give(&self, conn: Conn) {
        let mut idle = lock(&self.idle);
        // What could not be ended is not begun again.
        if idle.len() < MAX_IDLE && conn.db.is_autocommit() {
            idle.push(conn);
        }
    }
}

/// Waits until a later change of the files is sure to be seen.
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

/// Whether SQLite could not open or use the side files.
fn is_about_side_files(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
