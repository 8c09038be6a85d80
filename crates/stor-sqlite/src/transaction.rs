//! Runs each call as one short read transaction. Results are handed out after the transaction has
//! ended, so that a slow visitor does not hold it open.

use std::ops::ControlFlow;

use scrollback_source::{ScanItem, ScanVisitor};
use scrollback_stor_mmap::{MappedSpan, ReadContext};

use crate::connection::Conn;
use crate::error::{Error, Result, is_damage};
use crate::query_context::QueryContext;
use crate::query_output::QueryOutput;
use crate::shared_database::SharedDatabase;
use crate::suspicion::{Suspicion, Suspicions};

/// How often a call is tried before it fails with [`Error::KeepsChanging`].
const MAX_TRIES: u32 = 5;
/// The base of the pauses between tries. The pause after try `n`, counted from 0, is this time
/// multiplied by 2ⁿ. The first try has no pause after it.
const FIRST_PAUSE: std::time::Duration = std::time::Duration::from_millis(2);

/// A reader of the database. Each call on it is a read transaction.
pub(crate) struct SqliteTransaction<'s> {
    pub(crate) shared: &'s SharedDatabase,
    conn: Option<Conn>,
    /// Whether a text over the size limit was met, so that queries select sizes first.
    selects_sizes_first: bool,
}

impl<'s> SqliteTransaction<'s> {
    pub(crate) fn open(store: &'s SharedDatabase) -> scrollback_source::Result<Self> {
        let mut transaction = Self { shared: store, conn: None, selects_sizes_first: false };
        transaction.query(|_| Ok(()))?;
        Ok(transaction)
    }

    /// Runs a query, and runs it again if the database changed in a way that SQLite does not hide.
    pub(crate) fn query<T>(
        &mut self,
        mut query: impl FnMut(&QueryContext<'_>) -> Result<T>,
    ) -> scrollback_source::Result<T> {
        let SharedDatabase { database, clock, .. } = self.shared;
        let mut last = Error::KeepsChanging;
        for turn in 0..MAX_TRIES {
            match self.query_once(&mut query) {
                Ok(Some(answer)) => return Ok(answer),
                Ok(None) => last = Error::KeepsChanging,
                Err(error) if error.is_oversized() && !self.selects_sizes_first => {
                    (self.selects_sizes_first, last) = (true, error);
                    continue;
                }
                Err(error) if error.is_transient() || self.is_disturbed() => last = error,
                Err(error) => return Err(error.with_path(database)),
            }
            self.conn = None;
            if turn > 0 {
                clock.pause(FIRST_PAUSE * 2_u32.pow(turn));
            }
        }
        Err(last.with_path(database))
    }

    /// Runs a query once. Returns `None` if the database changed meanwhile.
    fn query_once<T>(
        &mut self,
        query: impl FnOnce(&QueryContext<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let SharedDatabase { database, clock, options, pool, gate, .. } = self.shared;
        let shared_tables = &self.shared.unsound_tables;
        let conn = match &mut self.conn {
            Some(conn) => conn,
            slot => slot.insert(pool.take(database, &**clock, options.max_len)?),
        };
        if self.selects_sizes_first && conn.schema.max_text_len.is_none() {
            conn.select_sizes_first(options.max_len)?;
        }
        let log = || conn.stat_files().wal;
        let _inside = conn.access.is_isolated().then(|| gate.enter(&**clock, log));
        let read_context = ReadContext::begin(&**clock, *options);
        let unsound_tables = shared_tables.names();
        conn.avoid_indexes(&unsound_tables)?;
        let context = QueryContext {
            db: &conn.db,
            schema: &conn.schema,
            read_context,
            clock: &**clock,
            is_shared: conn.access.is_isolated(),
            database,
            unsound_tables: &unsound_tables,
            repeated_rows: &conn.repeated_rows,
            log: Some((&self.shared.log_check, &conn.database_files)),
            suspicions: Suspicions::default(),
        };
        let answer = query(&context);
        if matches!(&answer, Err(Error::Sqlite(error)) if is_damage(error)) {
            context.suspicions.add(Suspicion::Damage);
        }
        // The damage may lie in an index, and then the rows can be read without it.
        for suspicion in context.suspicions.all() {
            if shared_tables.examine(&context, suspicion, conn.stat_files())? {
                return Ok(None);
            }
        }
        let answer = answer?;
        Ok(conn.is_undisturbed().then_some(answer))
    }

    /// Compares tables with their indexes. Returns whether a table is unsound, also if another thread
    /// found it first.
    pub(crate) fn examine(&mut self, suspicion: Suspicion) -> scrollback_source::Result<bool> {
        let unsound_tables = &self.shared.unsound_tables;
        self.query(|context| {
            context.suspicions.add(suspicion);
            Ok(())
        })?;
        Ok(!unsound_tables.names().is_empty())
    }

    /// Checks whether a change of the files or of the schema may have caused an error.
    fn is_disturbed(&self) -> bool {
        let is_outdated = |conn: &Conn| conn.is_outdated().unwrap_or(false);
        self.conn.as_ref().is_some_and(|conn| !conn.is_undisturbed() || is_outdated(conn))
    }

    pub(crate) fn visit_query(
        &mut self,
        visit: &mut ScanVisitor<'_>,
        query: impl Fn(&QueryContext<'_>, &mut QueryOutput) -> Result<()>,
    ) -> scrollback_source::Result<()> {
        let output = self.query(|context| {
            let mut output = QueryOutput::default();
            query(context, &mut output)?;
            Ok(output)
        })?;
        let _ = output.visit(visit);
        Ok(())
    }
}

impl SqliteTransaction<'_> {
    /// Runs several queries on one state of the database, and hands out their results.
    pub(crate) fn visit_transaction(
        &mut self,
        visit: &mut ScanVisitor<'_>,
        query: impl Fn(&QueryContext<'_>, &mut QueryOutput) -> Result<()>,
    ) -> scrollback_source::Result<()> {
        self.visit_query(visit, |context, output| {
            context.in_one_transaction(|| query(context, output))
        })
    }
}

impl SqliteTransaction<'_> {
    /// Returns the span that the query adds, or `None`.
    ///
    /// # Errors
    ///
    /// Returns the issue of the query if it adds an issue and no span.
    pub(crate) fn one_span(
        &mut self,
        query: impl Fn(&QueryContext<'_>, &mut QueryOutput) -> Result<()>,
    ) -> scrollback_source::Result<Option<MappedSpan>> {
        let (mut span, mut problem) = (None, None);
        self.visit_transaction(
            &mut |item| {
                match item {
                    ScanItem::Entry(entry) => span = entry.span,
                    ScanItem::Issue(_, issue) => problem = Some(Box::new(issue)),
                    ScanItem::Set(_) => {}
                }
                ControlFlow::Continue(())
            },
            query,
        )?;
        match (span, problem) {
            (None, Some(issue)) => Err(issue.into()),
            (span, _) => Ok(span),
        }
    }
}

impl Drop for SqliteTransaction<'_> {
    fn drop(&mut self) {
        if let Some(conn) = self.conn.take() {
            self.shared.pool.give(conn);
        }
    }
}
