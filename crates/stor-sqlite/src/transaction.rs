//! One look at the database: each call is one read transaction, and what it found is handed out
//! after that has ended, so that whoever takes it may take as long as he likes.

use std::ops::ControlFlow;

use scrollback_source::{ScanItem, ScanVisitor};
use scrollback_stor_mmap::{MappedSpan, ReadContext};

use crate::connection::Conn;
use crate::error::{Error, Result};
use crate::query_context::QueryContext;
use crate::query_output::QueryOutput;
use crate::shared_database::SharedDatabase;

/// How often a call is tried before the database is said to be restless.
const MAX_TRIES: u32 = 5;
/// How long to wait after a try that failed; twice as long each time.
const FIRST_PAUSE: std::time::Duration = std::time::Duration::from_millis(2);

/// One look at the database.
pub(crate) struct SqliteTransaction<'s> {
    pub(crate) shared: &'s SharedDatabase,
    conn: Option<Conn>,
    /// Whether a text was met that is too large to be read.
    selects_sizes_first: bool,
}

impl<'s> SqliteTransaction<'s> {
    pub(crate) fn open(store: &'s SharedDatabase) -> scrollback_source::Result<Self> {
        let mut transaction = Self { shared: store, conn: None, selects_sizes_first: false };
        transaction.query(|_| Ok(()))?;
        Ok(transaction)
    }

    /// Asks the database something, again if it changed in a way that SQLite does not hide.
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

    /// None if the database changed meanwhile.
    fn query_once<T>(
        &mut self,
        query: impl FnOnce(&QueryContext<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let SharedDatabase { database, clock, options, pool, gate, .. } = self.shared;
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
        let answer = query(&QueryContext {
            db: &conn.db,
            schema: &conn.schema,
            read_context,
            clock: &**clock,
            is_shared: conn.access.is_isolated(),
            database,
        })?;
        Ok(conn.is_undisturbed().then_some(answer))
    }

    /// Whether what failed may have failed because the files or the schema changed.
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
    /// Gathers by several queries over one state of the database.
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
    /// The one span that is asked for, if there is one; else what is wrong, if something is.
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
