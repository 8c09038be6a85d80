//! Reads the sets of messages of all sessions, or of the sessions without a record.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use scrollback_core_id::{SessionId, SessionKey};

use super::merge;
use super::messages::message_names;
use crate::cells::{bytes, integer, optional_integer};
use crate::error::{Result, is_damage};
use crate::query_context::QueryContext;
use crate::query_output::QueryOutput;
use crate::schema::tables::events::SequenceColumn;
use crate::schema::{ALL_SEQUENCES, messages, v2};
use crate::set_sum::SetSum;
use crate::v2::order::mark_v2_set;

/// The table of rows of 2.x.
const ROW_TABLE: &str = "session_message";

/// Where the sets of all sessions are read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SetSource {
    /// In an index that holds all the columns. If it is damaged, in the table.
    Index = 0,
    /// In the table.
    Table = 1,
}

/// Reads the sets of all sessions, from the tables of 1.x and 2.x.
pub(crate) fn all_message_sets(
    context: &QueryContext<'_>,
    from: SetSource,
    out: &mut QueryOutput,
) -> rusqlite::Result<()> {
    let queries = |all: &'static [&'static str]| &all[from as usize..];
    if context.schema.messages.is_some() {
        message_sets(context, queries(&messages::SETS), out)?;
    }
    if let Some(rows_of_2x) = &context.schema.v2 {
        let v1 = std::mem::take(&mut out.observations);
        message_sets(context, queries(&v2::SETS), out)?;
        let rows = std::mem::take(&mut out.observations).into_iter();
        let rows = rows.filter_map(|set| mark_v2_set(Some(set))).collect();
        out.observations = merge::merge_session_sets(v1, rows, rows_of_2x);
    }
    Ok(())
}

/// Reads the sets of all sessions with the first query that meets no damage.
fn message_sets(
    context: &QueryContext<'_>,
    queries: &[&str],
    out: &mut QueryOutput,
) -> rusqlite::Result<()> {
    match queries {
        [] => Ok(()),
        [sql] => message_sets_by_query(context, sql, out),
        [sql, rest @ ..] => match message_sets_by_query(context, sql, out) {
            Err(error) if is_damage(&error) => message_sets(context, rest, out),
            read => read,
        },
    }
}

/// Reads the sets of sessions without a record. Jumps from session to session in the index instead
/// of reading every message.
pub(crate) fn orphan_message_sets(context: &QueryContext<'_>, out: &mut QueryOutput) -> Result<()> {
    let mut orphans = BTreeSet::new();
    let tables =
        [("message", context.schema.messages.is_some()), (ROW_TABLE, context.schema.v2.is_some())];
    for (table, _) in tables.into_iter().filter(|(_, is_present)| *is_present) {
        let result = sessions_without_record(context, table, &mut orphans, out);
        if result.as_ref().is_err_and(is_damage) {
            // returns more than the orphans, but reads past the damage
            return Ok(all_message_sets(context, SetSource::Index, out)?);
        }
        result?;
    }
    for session in orphans {
        let mut names = QueryOutput::default();
        message_names(context, &session, &mut names)?;
        out.issues.append(&mut names.issues);
        out.observations.extend(names.set);
    }
    Ok(())
}

fn sessions_without_record(
    context: &QueryContext<'_>,
    table: &str,
    orphans: &mut BTreeSet<SessionKey>,
    out: &mut QueryOutput,
) -> rusqlite::Result<()> {
    let next_session = format!("SELECT min(session_id) FROM {table} WHERE session_id > ?1");
    let mut next_session = context.db.prepare_cached(&next_session)?;
    let has_record = context.schema.sessions.select_column("1", "", "id = ?1");
    let mut has_record = context.db.prepare_cached(&has_record)?;
    let mut last = String::new();
    loop {
        let mut rows = next_session.query([&last])?;
        let Some(row) = rows.next()? else { return Ok(()) };
        let next = String::from_utf8_lossy(bytes(row, 0)?).into_owned();
        if next <= last {
            return Ok(()); // the end of the index, because an id is never empty
        }
        if !has_record.exists([&next])? {
            orphans.extend(out.session(context, row, 0)?);
        }
        drop(rows);
        last = next;
    }
}

fn message_sets_by_query(
    context: &QueryContext<'_>,
    sql: &str,
    out: &mut QueryOutput,
) -> rusqlite::Result<()> {
    let sequences = match sequences(context) {
        // the listing of one session does the same when it avoids damage
        Err(error) if is_damage(&error) => HashMap::new(),
        all => all?,
    };
    let (mut session, mut set) = (Vec::new(), SetSum::default());
    let mut sets: BTreeMap<Vec<u8>, SetSum> = BTreeMap::new();
    context.for_each_row(sql, [], |row| {
        let owner = bytes(row, 0)?;
        // Rows of one session nearly always follow each other.
        if owner != session {
            let last = std::mem::replace(&mut session, owner.to_vec());
            sets.entry(last).or_default().merge(std::mem::take(&mut set));
        }
        set.add(bytes(row, 1)?, integer(row, 2)?);
        Ok(())
    })?;
    sets.entry(session).or_default().merge(set);
    for (session, set) in sets {
        let Ok(text) = std::str::from_utf8(&session) else { continue };
        let Ok(key) = text.parse::<SessionId>() else { continue };
        out.observations
            .extend(set.observation(SessionKey::from(key), sequences.get(text).copied()));
    }
    Ok(())
}

/// Returns the number of each session's last event.
fn sequences(context: &QueryContext<'_>) -> rusqlite::Result<HashMap<String, i64>> {
    let mut all = HashMap::new();
    if context.schema.has_sequences {
        context.for_each_row(ALL_SEQUENCES, [], |row| {
            let id =
                String::from_utf8_lossy(bytes(row, SequenceColumn::Session.at())?).into_owned();
            all.extend(optional_integer(row, SequenceColumn::Seq.at())?.map(|last| (id, last)));
            Ok(())
        })?;
    }
    Ok(all)
}
