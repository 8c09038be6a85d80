//! One look at the database: each call is one read transaction, and what it found is handed out
//! after that has ended, so that whoever takes it may take as long as he likes.

use std::ops::ControlFlow;

use scrollback_source::{ScanItem, ScanVisitor};
use scrollback_stor_mmap::{MappedSpan, ReadContext};

use crate::ask::Ask;
use crate::connection::Conn;
use crate::error::{Error, Result};
use crate::gathered::Gathered;
use crate::store::Shared;

/// How often a call is tried before the database is said to be restless.
const TRIES: u32 = 5;
/// How long to wait after a try that failed; twice as long each time.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(2);

/// One look at the database.
pub(crate) struct SqliteLook<'s> {
    pub(crate) store: &'s Shared,
    conn: Option<Conn>,
    /// Whether a text was met that is too large to be read.
    asks_for_sizes: bool,
}

impl<'s> SqliteLook<'s> {
    pub(crate) fn open(store: &'s Shared) -> scrollback_source::Result<Self> {
        let mut look = Self { store, conn: None, asks_for_sizes: false };
        look.ask(|_| Ok(()))?;
        Ok(look)
    }

    /// Asks the database something, again if it changed in a way that SQLite does not hide.
    pub(crate) fn ask<T>(
        &mut self,
        mut ask: impl FnMut(&Ask<'_>) -> Result<T>,
    ) -> scrollback_source::Result<T> {
        let Shared { database, clock, .. } = self.store;
        let mut last = Error::Restless;
        for turn in 0..TRIES {
            match self.ask_once(&mut ask) {
                Ok(Some(answer)) => return Ok(answer),
                Ok(None) => last = Error::Restless,
                Err(error) if error.is_too_big() && !self.asks_for_sizes => {
                    (self.asks_for_sizes, last) = (true, error);
                    continue;
                }
                Err(error) if error.is_transient() || self.is_disturbed() => last = error,
                Err(error) => return Err(error.at(database)),
            }
            self.conn = None;
            if turn > 0 {
                clock.pause(PAUSE * 2_u32.pow(turn));
            }
        }
        Err(last.at(database))
    }

    /// None if the database changed meanwhile.
    fn ask_once<T>(&mut self, ask: impl FnOnce(&Ask<'_>) -> Result<T>) -> Result<Option<T>> {
        let Shared { database, clock, options, pool, gate, .. } = self.store;
        let conn = match &mut self.conn {
            Some(conn) => conn,
            none => none.insert(pool.take(database, &**clock, options.max_len)?),
        };
        if self.asks_for_sizes && conn.schema.cap.is_none() {
            conn.ask_for_sizes(options.max_len)?;
        }
        let log = || conn.look().wal;
        let _inside = conn.access.is_isolated().then(|| gate.enter(&**clock, log));
        let look = ReadContext::begin(&**clock, *options);
        let answer = ask(&Ask {
            db: &conn.db,
            schema: &conn.schema,
            look,
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

    pub(crate) fn gather(
        &mut self,
        each: &mut ScanVisitor<'_>,
        ask: impl Fn(&Ask<'_>, &mut Gathered) -> Result<()>,
    ) -> scrollback_source::Result<()> {
        let gathered = self.ask(|it| {
            let mut gathered = Gathered::default();
            ask(it, &mut gathered)?;
            Ok(gathered)
        })?;
        let _ = gathered.hand_out(each);
        Ok(())
    }
}

impl SqliteLook<'_> {
    /// Gathers by several queries over one state of the database.
    pub(crate) fn in_one(
        &mut self,
        each: &mut ScanVisitor<'_>,
        ask: impl Fn(&Ask<'_>, &mut Gathered) -> Result<()>,
    ) -> scrollback_source::Result<()> {
        self.gather(each, |it, out| it.in_one(|| ask(it, out)))
    }
}

impl SqliteLook<'_> {
    /// The one span that is asked for, if there is one; else what is wrong, if something is.
    pub(crate) fn one_span(
        &mut self,
        ask: impl Fn(&Ask<'_>, &mut Gathered) -> Result<()>,
    ) -> scrollback_source::Result<Option<MappedSpan>> {
        let (mut span, mut wrong) = (None, None);
        self.in_one(
            &mut |found| {
                match found {
                    ScanItem::Entry(entry) => span = entry.span,
                    ScanItem::Issue(_, issue) => wrong = Some(Box::new(issue)),
                    ScanItem::Set(_) => {}
                }
                ControlFlow::Continue(())
            },
            ask,
        )?;
        match (span, wrong) {
            (None, Some(issue)) => Err(issue.into()),
            (span, _) => Ok(span),
        }
    }
}

impl Drop for SqliteLook<'_> {
    fn drop(&mut self) {
        if let Some(conn) = self.conn.take() {
            self.store.pool.give(conn);
        }
    }
}
