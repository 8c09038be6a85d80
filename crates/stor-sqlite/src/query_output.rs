//! Collects the results of a call and hands them to a visitor.

use std::cmp::Reverse;
use std::ops::ControlFlow;

use rusqlite::Row as SqlRow;
use scrollback_core_err::{Issue, IssueKind};
use scrollback_core_id::{EntityKey, IdError, OrderKey, ProjectId, SessionId, SessionKey};
use scrollback_core_type::Provenance;
use scrollback_source::{
    BorrowedItem, BorrowedRecord, BorrowedVisitor, Entry, Observation, ScanItem, ScanVisitor,
};
use scrollback_stor_mmap::{Arena, Frozen, Piece};
use scrollback_stor_path::opencode::is_fork_copy;

use crate::cells::id;
use crate::error::{is_damage, is_oversized};
use crate::json::Owners;
use crate::query_context::QueryContext;

/// The results of a call.
#[derive(Default)]
pub(crate) struct QueryOutput {
    pub(crate) arena: Arena,
    pub(crate) rows: Vec<Row>,
    pub(crate) set: Option<Observation>,
    pub(crate) observations: Vec<Observation>,
    pub(crate) issues: Vec<(Option<EntityKey>, Issue)>,
    /// The owners of the record that was added to the arena last.
    pub(crate) owners: Owners,
    /// The owners of messages, which alternate with parts in one session.
    pub(crate) message_owners: Owners,
}

/// The key of an entity, with its bytes in the arena. A row without a piece has only its name.
pub(crate) struct Row {
    pub(crate) key: EntityKey,
    pub(crate) order: OrderKey,
    pub(crate) piece: Option<Piece>,
    pub(crate) project: Option<ProjectId>,
    pub(crate) provenance: Provenance,
}

impl Row {
    pub(crate) fn new(key: impl Into<EntityKey>, order: OrderKey, piece: Option<Piece>) -> Self {
        let provenance = Provenance::default();
        Self { key: key.into(), order, piece, project: None, provenance }
    }

    pub(crate) fn into_entry(self, arena: &Frozen) -> Entry {
        let Self { key, order, piece, project, provenance } = self;
        let (span, is_copy) = (piece.map(|piece| arena.span(&piece)), is_copy(&key));
        Entry { span, project, is_copy, provenance, ..Entry::without_span(key, order) }
    }
}

/// Checks whether a fork of 2.x copied the message.
fn is_copy(key: &EntityKey) -> bool {
    match key {
        EntityKey::Message(key) => is_fork_copy(key.message.as_bytes()),
        _ => false,
    }
}

impl QueryOutput {
    pub(crate) fn note(
        &mut self,
        key: Option<EntityKey>,
        context: &QueryContext<'_>,
        kind: IssueKind,
    ) {
        self.issues.push((key, context.issue(kind)));
    }

    /// Parses the id in a column with `read`. Notes an invalid id as an issue of the entity that
    /// `about` returns.
    pub(crate) fn id<I>(
        &mut self,
        context: &QueryContext<'_>,
        row: &SqlRow<'_>,
        at: usize,
        read: impl Fn(&[u8]) -> Result<I, IdError>,
        about: impl FnOnce() -> Option<EntityKey>,
    ) -> rusqlite::Result<Option<I>> {
        let id = id(row, at, read)?;
        Ok(id.map_err(|kind| self.note(about(), context, kind)).ok())
    }

    /// Parses the session id in a column. Notes an invalid id as an issue without a key.
    pub(crate) fn session(
        &mut self,
        context: &QueryContext<'_>,
        row: &SqlRow<'_>,
        at: usize,
    ) -> rusqlite::Result<Option<SessionKey>> {
        Ok(self.id(context, row, at, SessionId::from_bytes, || None)?.map(SessionKey::from))
    }

    /// Notes the problems of the schema. Every listing of sessions reports them.
    pub(crate) fn note_problems(&mut self, context: &QueryContext<'_>) {
        for problem in &context.schema.problems {
            self.note(None, context, IssueKind::Database { message: problem.to_string() });
        }
        for table in context.unsound_tables {
            let message = format!(
                "the table {table} is damaged, or an index of it is damaged or lacks rows; \
                 the rows are read without the index"
            );
            self.note(None, context, IssueKind::Database { message });
        }
        if context.log.is_some_and(|(check, files)| check.is_foreign(files)) {
            let message = "the log beside the database (-wal) belongs to another database. SQLite \
                 reads both as one, so records may be missing or mixed up";
            self.note(None, context, IssueKind::Database { message: message.to_owned() });
        }
        for (table, count) in context.repeated_rows {
            let message = format!(
                "in the table {table}, {count} rows have the ids of later rows; the last row is read"
            );
            self.note(None, context, IssueKind::Database { message });
        }
    }

    /// Adds a record that is complete.
    pub(crate) fn push_record(
        &mut self,
        context: &QueryContext<'_>,
        key: EntityKey,
        record: &[u8],
        updated_ms: i64,
    ) {
        let (stamp, settled) = context.stamp(record.len() as u64, updated_ms, 0);
        let piece = self.arena.append(stamp, settled, |bytes| bytes.extend_from_slice(record));
        self.rows.push(Row::new(key, OrderKey::default(), Some(piece)));
    }

    /// Sorts the rows by descending order, then by key.
    pub(crate) fn sort_newest_first(&mut self) {
        self.rows.sort_by(|a, b| (Reverse(a.order), &a.key).cmp(&(Reverse(b.order), &b.key)));
    }

    /// Notes a damaged page as an issue, so that only this query ends early. The same holds for a
    /// row that is too large although the query selects sizes instead of large texts. Passes every
    /// other error on.
    pub(crate) fn note_damage(
        &mut self,
        context: &QueryContext<'_>,
        key: Option<EntityKey>,
        result: rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        match result {
            Err(error)
                if is_damage(&error)
                    || is_oversized(&error) && context.schema.max_text_len.is_some() =>
            {
                self.note(key, context, IssueKind::Database { message: error.to_string() });
                Ok(())
            }
            other => other,
        }
    }

    /// Runs the first query. If it meets a damaged page, runs the second query, which may avoid
    /// that page, and keeps the result with more rows.
    pub(crate) fn with_fallback_query(
        &mut self,
        queries: [&str; 2],
        mut run: impl FnMut(&str, &mut Self) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        let (rows, issues) = (self.rows.len(), self.issues.len());
        match run(queries[0], self) {
            Err(error) if is_damage(&error) => {}
            other => return other,
        }
        let first_result = (self.rows.split_off(rows), self.issues.split_off(issues));
        let result = run(queries[1], self);
        if result.is_err() && self.rows.len() - rows < first_result.0.len() {
            self.rows.truncate(rows);
            self.issues.truncate(issues);
            self.rows.extend(first_result.0);
            self.issues.extend(first_result.1);
        }
        result
    }
}

impl QueryOutput {
    /// Passes all results to the visitor as borrowed items, and clears them.
    pub(crate) fn visit_borrowed(&mut self, visit: &mut BorrowedVisitor<'_>) -> ControlFlow<()> {
        let mut flow = ControlFlow::Continue(());
        for (key, issue) in self.issues.drain(..) {
            if flow.is_continue() {
                flow = visit(BorrowedItem::Issue(key, issue));
            }
        }
        for row in self.rows.drain(..) {
            if flow.is_break() {
                break;
            }
            let Some(piece) = &row.piece else { continue };
            let (bytes, read_key) = (self.arena.bytes(piece), &|| Ok(row.key.clone()));
            let (order, stamp, settled) = (row.order, piece.stamp, piece.settled);
            let is_copy = is_copy(&row.key);
            flow = visit(BorrowedItem::Record(BorrowedRecord {
                read_key,
                order,
                is_copy,
                bytes,
                stamp,
                settled,
            }));
        }
        self.arena.clear();
        flow
    }
}

impl QueryOutput {
    /// Passes the set, the issues and the entries to the visitor.
    pub(crate) fn visit(self, visit: &mut ScanVisitor<'_>) -> ControlFlow<()> {
        let arena = self.arena.freeze();
        let set = self.set.into_iter().map(ScanItem::Set);
        let issues = self.issues.into_iter().map(|(key, issue)| ScanItem::Issue(key, issue));
        let entries = self.rows.into_iter().map(|row| ScanItem::Entry(row.into_entry(&arena)));
        set.chain(issues).chain(entries).try_for_each(visit)
    }
}
