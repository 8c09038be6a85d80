//! The Source: where the database is, and its connections.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use scrollback_core_err::Issue;
use scrollback_core_id::{Clock, Discipline, EntityKey, SessionKey, SourceId};
use scrollback_source::{
    DirtyScope, ProbeResult, Reader, Result, Source, SourceToken, WatchDepth, WatchRoot,
    WatchedFiles,
};
use scrollback_stor_mmap::ReadOptions;

use crate::access::Access;
use crate::connection::Pool;
use crate::gate::Gate;
use crate::probe_connection::ProbeSlot;
use crate::schema::report::SchemaReport;
use crate::shared_database::SharedDatabase;
use crate::transaction::SqliteTransaction;
use crate::v2::history::Event;

/// Reads a database of opencode 1.2 and later. Cheap to make: nothing is opened before it is asked
/// for. Clones share their connections.
#[derive(Clone)]
pub struct SqliteReader {
    shared: Arc<SharedDatabase>,
}

impl SqliteReader {
    /// A reader of the database at this path.
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
            }),
        }
    }

    /// The same reader with other limits: `max_len` of a row's text, `margin` of its time. It has
    /// connections of its own.
    #[must_use]
    pub fn with_options(self, options: ReadOptions) -> Self {
        let SharedDatabase { database, id, clock, .. } = &*self.shared;
        Self::from_parts(database.clone(), id.clone(), Arc::clone(clock), options)
    }

    /// The database file.
    pub fn database(&self) -> &Path {
        &self.shared.database
    }

    /// How the database is read at the moment.
    ///
    /// # Errors
    /// If it cannot be.
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
    /// Compares the schema of the database with those that this version knows.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn schema_report(&self) -> Result<SchemaReport> {
        SqliteTransaction::open(&self.shared)?.query(|context| Ok(SchemaReport::read(context.db)?))
    }

    /// What the program wrote into its log of events about a session, in order: all that happened
    /// in 1.18, most often nothing in 2.x, which keeps no log unless it is told to. What of it cannot
    /// be read comes as issues.
    ///
    /// # Errors
    /// If the database cannot be read.
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

    /// The directory of the database: a commit changes the log, a checkpoint the database. What is
    /// shared with readers (`-shm`) changes with every one of them, ourselves too, and is ignored.
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

    /// Which rows changed in the database is for [`Source::probe`] to say.
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

    fn probe(&self, since: Option<&SourceToken>) -> Result<ProbeResult> {
        crate::probe::probe(&self.shared, since)
    }

    /// The database is one file; which of its rows an issue is about, its key says.
    fn locate(&self, _key: &EntityKey) -> Option<PathBuf> {
        self.database().file_name().map(PathBuf::from)
    }
}

/// A database and the side files that its writers write; the third, shared memory, tells nothing.
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
