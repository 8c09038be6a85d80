//! Gives queries their connection and schema, and builds the stamps, observations and issues of
//! rows.

use std::path::Path;

use rusqlite::{Connection, Params, Row as SqlRow, Rows};
use scrollback_core_err::{Issue, IssueKind, Place};
use scrollback_core_id::{Clock, EntityKey, IdError, ProjectId, Stamp, UnixNanos};
use scrollback_source::Observation;
use scrollback_stor_mmap::{ReadContext, ReadOptions, Settled};

use crate::cells::id;
use crate::cells::integer;
use crate::error::{Result, is_damage};
use crate::files::DatabaseFiles;
use crate::foreign_log::LogCheck;
use crate::schema::Schema;
use crate::suspicion::{RepeatedRows, Suspicion, Suspicions, TableNames};

/// What a query needs: the connection, its schema, and the context of the read.
pub(crate) struct QueryContext<'a> {
    pub(crate) db: &'a Connection,
    pub(crate) schema: &'a Schema,
    pub(crate) read_context: ReadContext<'a>,
    pub(crate) clock: &'a dyn Clock,
    /// Whether others may commit between two queries.
    pub(crate) is_shared: bool,
    pub(crate) database: &'a Path,
    /// The tables that are read without the indexes of the database.
    pub(crate) unsound_tables: &'a TableNames,
    /// How many rows of a table are left out, because another row has the same ids.
    pub(crate) repeated_rows: &'a RepeatedRows,
    /// How to find out whether the log is that of another database.
    pub(crate) log: Option<(&'a LogCheck, &'a DatabaseFiles)>,
    pub(crate) suspicions: Suspicions,
}

impl QueryContext<'_> {
    /// Returns the place of an issue: the database file. The key of the issue identifies the row.
    pub(crate) fn place(&self) -> Place {
        Place::path(self.database.file_name().unwrap_or_default())
    }

    pub(crate) fn issue(&self, kind: IssueKind) -> Issue {
        Issue::new(self.place(), kind)
    }

    /// Returns the size limit of a text, in bytes.
    pub(crate) fn max_len(&self) -> u64 {
        self.limits().max_len
    }

    /// Returns the limits of the reads.
    pub(crate) fn limits(&self) -> &ReadOptions {
        self.read_context.options()
    }

    /// Parses the id in a column with `read`.
    ///
    /// # Errors
    ///
    /// Returns an issue if the id is invalid.
    pub(crate) fn id<I>(
        &self,
        row: &SqlRow<'_>,
        at: usize,
        read: impl Fn(&[u8]) -> Result<I, IdError>,
    ) -> Result<I, Box<Issue>> {
        // The column exists, or the statement would not have been prepared.
        let id = id(row, at, read).unwrap_or(Err(IssueKind::Vanished));
        id.map_err(|kind| Box::new(self.issue(kind)))
    }

    /// Calls `visit` with every row of a query.
    pub(crate) fn for_each_row(
        &self,
        sql: &str,
        params: impl Params,
        mut visit: impl FnMut(&SqlRow<'_>) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        let mut statement = self.db.prepare_cached(sql)?;
        let mut rows: Rows<'_> = statement.query(params)?;
        loop {
            match rows.next() {
                Ok(Some(row)) => visit(row)?,
                Ok(None) => return Ok(()),
                Err(error) => {
                    if is_damage(&error) {
                        self.suspicions.add(Suspicion::Damage);
                    }
                    return Err(error);
                }
            }
        }
    }

    /// Runs several queries on one state of the database.
    pub(crate) fn in_one_transaction(&self, queries: impl FnOnce() -> Result<()>) -> Result<()> {
        if !self.is_shared {
            return queries(); // the caller compares the file stamps afterwards
        }
        self.db.prepare_cached("BEGIN")?.execute([])?;
        let result = queries();
        // A read transaction has nothing to lose. COMMIT repeats errors of damaged pages that were
        // noted already. All that matters is that the transaction has ended.
        let commit_result =
            self.db.prepare_cached("COMMIT").and_then(|mut statement| statement.execute([]));
        result?;
        if !self.db.is_autocommit() {
            commit_result?;
        }
        Ok(())
    }

    /// Builds the stamp of a row. Every change of the row moves `updated_ms`.
    pub(crate) fn stamp(&self, size: u64, updated_ms: i64, extra: u64) -> (Stamp, Settled) {
        let mtime = UnixNanos(updated_ms.saturating_mul(1_000_000));
        let stamp = Stamp { size, mtime, inode: extra };
        (stamp, if self.read_context.settles(&stamp) { Settled::Settled } else { Settled::Young })
    }

    /// Builds a stamp from three columns from `from` on: the time, the size and an extra number.
    pub(crate) fn stamp_at(
        &self,
        row: &SqlRow<'_>,
        from: usize,
    ) -> rusqlite::Result<(Stamp, Settled)> {
        let [updated, size, extra] = [0, 1, 2].map(|at| integer(row, from + at));
        Ok(self.stamp(size?.cast_unsigned(), updated?, extra?.cast_unsigned()))
    }

    pub(crate) fn observation(
        &self,
        key: impl Into<EntityKey>,
        (stamp, settled): (Stamp, Settled),
        project: Option<ProjectId>,
    ) -> Observation {
        Observation { project, ..Observation::new(key, stamp, settled) }
    }
}
