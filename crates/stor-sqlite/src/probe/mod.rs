//! Answers whether a database changed since a token, and in which sessions, without reading
//! unchanged rows.
//!
//! A probe compares three signs, from cheap to expensive:
//!
//! * SQLite's number of the database state (`data_version`), which is valid within one connection.
//! * The stamps of the files, which are valid for every process.
//! * The last row of each table that only grows. All rows above that row are new. No index is read
//!   for it, because an index may lack rows.
//!
//! Only the log of events records rows that were changed in place or removed. If the log has
//! nothing new, any row may have changed: 1.2 has no log, later versions need not write it, and an
//! import does not write it. In 2.x the log is empty, and the number of each session's last event
//! takes its place. No sign is proof by itself: the caller verifies rows by their stamps.

mod token;

use std::collections::{BTreeSet, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::PoisonError;

use scrollback_core_id::{SessionId, SessionKey};
use scrollback_source::{Probe, ProbeResult, SourceChange, SourceToken};
use scrollback_stor_mmap::ReadContext;
use xxhash_rust::xxh3::xxh3_64;

use self::token::{Mark, Token};
use crate::cells::{bytes, id, integer};
use crate::error::{Error, Result, is_damage};
use crate::probe_connection::ProbeConnection;
use crate::query_context::QueryContext;
use crate::schema::tables::events::SequenceColumn;
use crate::schema::{ALL_SEQUENCES, Schema};
use crate::shared_database::SharedDatabase;
use crate::suspicion::{RepeatedRows, Suspicions, TableNames};

/// Tables that only grow, each with the column that holds the session.
const GROWING_TABLES: [(&str, &str); token::MARK_COUNT] = [
    ("message", "session_id"),
    ("part", "session_id"),
    ("event", "aggregate_id"),
    ("session_message", "session_id"),
];

/// The table that records every change.
const EVENT_LOG: &str = "event";

/// The limit of new rows per table. With more new rows than this, a full scan is cheaper.
const MAX_NEW_ROWS: usize = 1 << 14;

/// Probes the database, with further attempts if it changes meanwhile.
pub(crate) fn probe(
    store: &SharedDatabase,
    since: Option<&SourceToken>,
) -> scrollback_source::Result<ProbeResult> {
    let since = since.and_then(|token| Token::read(token.bytes()));
    const MAX_TRIES: u32 = 3;
    let mut last = Error::KeepsChanging;
    for _ in 0..MAX_TRIES {
        let mut probe_connection =
            store.probe_slot.0.lock().unwrap_or_else(PoisonError::into_inner);
        match probe_once(store, &mut probe_connection, since.as_ref()) {
            Ok(Some(probed)) => {
                // `data_version` means nothing for a database that is read as a file. So the probe
                // does not keep such a connection.
                if probe_connection
                    .as_ref()
                    .is_some_and(|probe_connection| !probe_connection.conn.access.is_isolated())
                    && let Some(ProbeConnection { conn, .. }) = probe_connection.take()
                {
                    store.pool.give(conn);
                }
                return Ok(probed);
            }
            Ok(None) => {}
            Err(error) if error.is_transient() => last = error,
            Err(error) => return Err(error.with_path(&store.database)),
        }
        *probe_connection = None;
    }
    Err(last.with_path(&store.database))
}

/// Probes once. Returns `None` if the files changed during the probe and SQLite did not hide the
/// change.
fn probe_once(
    store: &SharedDatabase,
    probe_connection: &mut Option<ProbeConnection>,
    since: Option<&Token>,
) -> Result<Option<ProbeResult>> {
    let ProbeConnection { conn, connection_id } = match probe_connection
        .take()
        .filter(|reusable| reusable.conn.is_reusable(&store.database))
    {
        Some(reusable) => probe_connection.insert(reusable),
        None => {
            let conn = store.pool.take(&store.database, &*store.clock, store.options.max_len)?;
            probe_connection
                .insert(ProbeConnection { conn, connection_id: RandomState::new().hash_one(0) | 1 })
        }
    };
    conn.refresh_schema()?;
    // First sign: `data_version`. SQLite keeps it per connection, so it counts only if the token
    // comes from this very connection. A database that is read as a file has no such number.
    //
    // Read the number before the stamps: a change between the two is then reported twice, and never
    // missed.
    let isolated = conn.access.is_isolated();
    let version = match isolated {
        true => conn.db.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?,
        false => 0_i64,
    };
    let (connection_id, version) =
        if isolated { (*connection_id, version.cast_unsigned()) } else { (0, 0) };
    if let Some(since) = since
        && since.connection_id == connection_id
        && connection_id != 0
        && since.version == version
    {
        return Ok(Some(unchanged_result(since.clone())));
    }
    // Second sign: the stamps of the files. They also work for a token of another process, but only
    // if the token was taken long enough after the last change (`settled`).
    let read_context = ReadContext::begin(&*store.clock, store.options);
    let files = conn.stat_files();
    let settled = files.newest_stamp().is_none_or(|newest| read_context.settles(&newest));
    if let Some(since) = since
        && since.settled
        && since.files.has_same_content(&files)
    {
        return Ok(Some(unchanged_result(Token { connection_id, version, ..since.clone() })));
    }
    let (clock, database) = (&*store.clock, &*store.database);
    let context = QueryContext {
        db: &conn.db,
        schema: &conn.schema,
        read_context,
        clock,
        is_shared: isolated,
        database,
        unsound_tables: &TableNames::new(),
        repeated_rows: &RepeatedRows::new(),
        log: None,
        suspicions: Suspicions::default(),
    };
    // Third sign: the last rows of the growing tables and the numbers of events, all read from one
    // state of the database. They tell which sessions changed.
    let mut now = Token { connection_id, version, files, settled, ..Token::default() };
    let mut probe = Probe::Rescan;
    let result = context.in_one_transaction(|| {
        now.schema = Schema::version_of(context.db)?.cast_unsigned();
        for (mark, (table, _)) in now.marks.iter_mut().zip(GROWING_TABLES) {
            *mark = last_row_mark(&context, table)?;
        }
        let mut sessions = Vec::new();
        if has_sequences(&context) {
            context.for_each_row(ALL_SEQUENCES, [], |row| {
                let sequence = (
                    xxh3_64(bytes(row, SequenceColumn::Session.at())?),
                    integer(row, SequenceColumn::Seq.at())?.cast_unsigned(),
                );
                sessions.push((
                    sequence,
                    id(row, SequenceColumn::Session.at(), SessionId::from_bytes)?,
                ));
                Ok(())
            })?;
            now.sequences = sessions.iter().map(|(sequence, _)| *sequence).collect();
            now.sequences.sort_unstable();
        }
        // A new schema version may mean new row numbers (VACUUM) or new tables. The old marks then
        // say nothing, and the answer stays a rescan.
        if let Some(since) = since.filter(|since| since.schema == now.schema) {
            // Deleted sessions lose their number. They need no name here: the survey that follows
            // shows that they are gone.
            let old_sequences: HashSet<&(u64, u64)> = since.sequences.iter().collect();
            sessions.retain(|(sequence, _)| !old_sequences.contains(sequence));
            let is_logged = since.sequences != now.sequences;
            let changed = sessions.into_iter().filter_map(|(_, id)| id.ok().map(SessionKey::from));
            probe = compare_marks(&context, since, changed.collect(), is_logged)?;
        }
        Ok(())
    });
    // Without isolation, a change during the queries makes their results worthless.
    if !conn.is_undisturbed() {
        return Ok(None);
    }
    match result {
        // The undamaged rest is still readable, but a token needs the marks of all tables.
        Err(Error::Sqlite(error)) if is_damage(&error) => Ok(Some(ProbeResult::rescan())),
        result => result.map(|()| Some(ProbeResult { probe, token: Some(now.write()) })),
    }
}

fn unchanged_result(token: Token) -> ProbeResult {
    ProbeResult { probe: Probe::Unchanged, token: Some(token.write()) }
}

fn has_table(context: &QueryContext<'_>, table: &str) -> bool {
    match table {
        "message" => context.schema.messages.is_some(),
        "part" => context.schema.parts.is_some(),
        "event" => context.schema.has_events,
        _ => context.schema.v2.is_some(),
    }
}

/// Checks whether changes are recorded by the numbers of each session's last event (2.x) instead of
/// the log.
fn has_sequences(context: &QueryContext<'_>) -> bool {
    context.schema.has_sequences && context.schema.v2.as_ref().is_some_and(|v2| !v2.is_preview)
}

fn last_row_mark(context: &QueryContext<'_>, table: &str) -> Result<Mark> {
    let mut mark = Mark::default();
    if has_table(context, table) {
        context.for_each_row(&last_row_query(table), [], |row| {
            mark = Mark { rowid: integer(row, 0)?.cast_unsigned(), id: xxh3_64(bytes(row, 1)?) };
            Ok(())
        })?;
    }
    Ok(mark)
}

/// Returns `sessions` and the sessions with rows above the marks. Returns a rescan if no log covers
/// the changes.
fn compare_marks(
    context: &QueryContext<'_>,
    since: &Token,
    mut sessions: BTreeSet<SessionKey>,
    mut is_logged: bool,
) -> Result<Probe> {
    for (mark, (table, owner)) in since.marks.iter().zip(GROWING_TABLES) {
        if !has_table(context, table) {
            continue;
        }
        // A mark is valid while its row exists. If the row is gone, SQLite may have reused its
        // number, and rows below the mark may be new.
        let mut is_mark_valid = *mark == Mark::default();
        context.for_each_row(&marked_row_query(table), [mark.rowid.cast_signed()], |row| {
            is_mark_valid = xxh3_64(bytes(row, 0)?) == mark.id;
            Ok(())
        })?;
        if !is_mark_valid {
            return Ok(Probe::Rescan);
        }
        let mut rows = 0;
        context.for_each_row(
            &rows_above_query(table, owner),
            [mark.rowid.cast_signed()],
            |row| {
                rows += 1;
                if let Ok(id) = id(row, 0, SessionId::from_bytes)? {
                    sessions.insert(SessionKey::from(id));
                }
                Ok(())
            },
        )?;
        // The query stops at the limit, so there may be more sessions than it returned.
        if rows == MAX_NEW_ROWS {
            return Ok(Probe::Rescan);
        }
        is_logged |= table == EVENT_LOG && rows > 0;
    }
    // The files changed, but no log has anything new: a row may have changed in place anywhere.
    match is_logged {
        true => Ok(Probe::Changed(sessions.into_iter().map(SourceChange::Session).collect())),
        false => Ok(Probe::Rescan),
    }
}

fn last_row_query(table: &str) -> String {
    format!("SELECT rowid, id FROM {table} NOT INDEXED ORDER BY rowid DESC LIMIT 1")
}

fn marked_row_query(table: &str) -> String {
    format!("SELECT id FROM {table} NOT INDEXED WHERE rowid = ?1")
}

fn rows_above_query(table: &str, owner: &str) -> String {
    format!("SELECT {owner} FROM {table} NOT INDEXED WHERE rowid > ?1 LIMIT {MAX_NEW_ROWS}")
}

/// Returns all queries, for the tests of query plans.
#[cfg(test)]
pub(crate) fn queries() -> impl Iterator<Item = String> {
    GROWING_TABLES.into_iter().flat_map(|(table, owner)| {
        [last_row_query(table), marked_row_query(table), rows_above_query(table, owner)]
    })
}
