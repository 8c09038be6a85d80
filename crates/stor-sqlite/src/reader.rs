//! The `Source` of one database: its path, its connections, and the files that a watcher follows.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use scrollback_core_err::Issue;
use scrollback_core_id::{Clock, Discipline, EntityKey, SessionKey, SourceId};
use scrollback_source::{
    DirtyScope, IndexCheck, ProbeResult, Reader, Result, Source, SourceToken, WatchDepth,
    WatchRoot, WatchedFiles,
};
use scrollback_stor_mmap::ReadOptions;

use crate::access::Access;
use crate::connection::Pool;
use crate::foreign_log::LogCheck;
use crate::gate::Gate;
use crate::probe_connection::ProbeSlot;
use crate::schema::report::SchemaReport;
use crate::shared_database::SharedDatabase;
use crate::transaction::SqliteTransaction;
use crate::unsound_indexes::UnsoundTables;
use crate::v2::history::Event;

/// Reads a database of opencode 1.2 and later.
///
/// Making a reader is cheap: it opens the database with the first call. Clones share their
/// connections.
///
/// ```
/// use std::sync::Arc;
/// use scrollback_core_id::{SourceId, SystemClock};
/// use scrollback_core_type::{Parse, SessionHead};
/// use scrollback_source::SourceExt;
/// use scrollback_stor_sqlite::SqliteReader;
///
/// let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures");
/// let database = format!("{fixtures}/opencode-sqlite/opencode.db");
/// let store = SqliteReader::new(database, SourceId::new("opencode")?, Arc::new(SystemClock));
/// for entry in store.list_sessions()?.entries.iter().take(3) {
///     let span = entry.span.as_ref().ok_or("no content")?;
///     let head = SessionHead::parse(span)?.value;
///     println!("{}: {}", entry.key, head.title.ok_or("no title")?);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SqliteReader {
    shared: Arc<SharedDatabase>,
}

impl SqliteReader {
    /// Makes a reader of the database at this path.
    pub fn new(database: impl Into<PathBuf>, id: SourceId, clock: Arc<dyn Clock>) -> Self {
        Self::from_parts(database.into(), id, clock, ReadOptions::default())
    }

    fn from_parts(
        database: PathBuf,
        id: SourceId,
        clock: Arc<dyn Clock>,
        options: ReadOptions,
    ) -> Self {
        let (pool, gate, probe_slot) = (Pool::default(), Gate::default(), ProbeSlot::default());
        Self {
            shared: Arc::new(SharedDatabase {
                database,
                id,
                clock,
                options,
                pool,
                gate,
                probe_slot,
                unsound_tables: UnsoundTables::default(),
                log_check: LogCheck::default(),
            }),
        }
    }

    /// Returns a reader of the same database with other limits: `max_len` for the text of a row,
    /// `margin` for its time. The new reader has its own connections.
    #[must_use]
    pub fn with_options(self, options: ReadOptions) -> Self {
        let SharedDatabase { database, id, clock, .. } = &*self.shared;
        Self::from_parts(database.clone(), id.clone(), Arc::clone(clock), options)
    }

    /// Returns the path of the database file.
    pub fn database(&self) -> &Path {
        &self.shared.database
    }

    /// Returns how the database is opened at the moment.
    ///
    /// # Errors
    ///
    /// Returns [`scrollback_source::Error::Store`] if the database cannot be opened.
    pub fn access(&self) -> Result<Access> {
        let SharedDatabase { database, clock, options, pool, .. } = &*self.shared;
        let result = pool.take(database, &**clock, options.max_len);
        let conn = result.map_err(|error| error.with_path(database))?;
        let access = conn.access;
        pool.give(conn);
        Ok(access)
    }
}

impl SqliteReader {
    /// Compares the schema of the database with the schemas that this version knows.
    ///
    /// # Errors
    ///
    /// Returns [`scrollback_source::Error::Store`] if the database cannot be read.
    pub fn schema_report(&self) -> Result<SchemaReport> {
        SqliteTransaction::open(&self.shared)?.query(|context| Ok(SchemaReport::read(context.db)?))
    }

    /// Returns the events of a session from opencode's log, in order, with an issue for each event
    /// that cannot be read.
    ///
    /// 1.18 logs every change. 2.x logs nothing unless the server's option `events.persist` is on.
    ///
    /// # Errors
    ///
    /// Returns [`scrollback_source::Error::Store`] if the database cannot be read.
    pub fn history(&self, session: &SessionKey) -> Result<(Vec<Event>, Vec<Issue>)> {
        SqliteTransaction::open(&self.shared)?.history(session)
    }
}

impl Source for SqliteReader {
    fn id(&self) -> &SourceId {
        &self.shared.id
    }

    fn clock(&self) -> &Arc<dyn Clock> {
        &self.shared.clock
    }

    fn open(&self) -> Result<Box<dyn Reader + '_>> {
        Ok(Box::new(SqliteTransaction::open(&self.shared)?))
    }

    /// Returns the directory of the database with two kinds of files: a commit changes the log, and
    /// a checkpoint changes the database. The plan leaves `-shm` out, because every reader changes
    /// it, this one included.
    fn watch_plan(&self) -> Vec<WatchRoot> {
        let database = self.database();
        let database = database.canonicalize().unwrap_or_else(|_| database.to_owned());
        let (Some(dir), Some(name)) = (database.parent(), database.file_name()) else {
            return Vec::new();
        };
        let files = WatchedFiles::Named(watched_names(name).into());
        let (path, depth, discipline) = (dir.to_owned(), WatchDepth::Nothing, Discipline::Database);
        vec![WatchRoot { path, depth, files, discipline }]
    }

    /// Returns [`DirtyScope::Records`] for the files of the database. Call [`Source::probe`] to
    /// learn which rows changed.
    fn scope_of_path(&self, path: &Path) -> Option<DirtyScope> {
        let (database, name) = (self.database(), path.file_name()?);
        let is_watched = |database: &Path| {
            database.parent() == path.parent()
                && database.file_name().is_some_and(|file_name| {
                    watched_names(file_name).iter().any(|watched| watched == name)
                })
        };
        let is_in_plan = is_watched(database)
            || database.canonicalize().is_ok_and(|watched| is_watched(&watched));
        is_in_plan.then_some(DirtyScope::Records)
    }

    fn is_empty(&self) -> bool {
        let metadata = self.database().symlink_metadata();
        metadata.is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
    }

    fn has_indexes(&self) -> bool {
        true
    }

    fn check_indexes(&self, check: IndexCheck) -> Result<bool> {
        SqliteTransaction::open(&self.shared)?.examine(check.into())
    }

    fn probe(&self, since: Option<&SourceToken>) -> Result<ProbeResult> {
        crate::probe::probe(&self.shared, since)
    }

    /// Returns the name of the database file for every key. The key itself identifies the row.
    fn locate(&self, _key: &EntityKey) -> Option<PathBuf> {
        self.database().file_name().map(PathBuf::from)
    }
}

/// Returns the names of the database and of the side files that a writer changes. The `-shm` file
/// is missing, because its changes mean nothing.
fn watched_names(name: &OsStr) -> [OsString; 3] {
    ["", "-wal", "-journal"].map(|suffix| {
        let mut name = name.to_owned();
        name.push(suffix);
        name
    })
}

impl fmt::Debug for SqliteReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteReader")
            .field("database", &self.shared.database)
            .field("id", &self.shared.id)
            .finish_non_exhaustive()
    }
}
