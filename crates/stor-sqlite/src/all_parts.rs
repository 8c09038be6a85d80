//! Every part, in the order of the table: one pass, in transactions that are short enough for the
//! writer's checkpoints to go on.

use std::ops::ControlFlow;
use std::time::Duration;

use rusqlite::params;
use scrollback_core_id::{Clock, EntityKey, MessageId};
use scrollback_stor_read::Each;

use crate::ask::{Ask, Gathered, id, whole};
use crate::error::{Result, is_damage};
use crate::look::SqliteLook;
use crate::messages::part_row;

/// So much is read before it is handed out.
const BYTES: usize = 1 << 20;
/// So long a transaction takes at most.
const LONGEST: Duration = Duration::from_millis(50);
/// The clock is asked once in so many rows.
const ROWS: usize = 64;

/// How far a pass is.
#[derive(Debug, Clone, Copy)]
struct Reached {
    rowid: i64,
    /// The schema's version, which VACUUM moves on: it numbers all rows anew.
    schema: i64,
}

pub(crate) fn all_parts(
    look: &mut SqliteLook<'_>,
    each: &mut Each<'_>,
) -> scrollback_stor_read::Result<()> {
    let clock = std::sync::Arc::clone(&look.store.clock);
    let mut reached: Option<Reached> = None;
    let mut last: Vec<EntityKey> = Vec::new();
    loop {
        let (gathered, now, is_over) = look.ask(|ask| chunk(ask, reached, &last, &*clock))?;
        last.clear();
        last.extend(gathered.rows.iter().map(|row| row.key.clone()));
        if gathered.hand_out(each) == ControlFlow::Break(()) || is_over {
            return Ok(());
        }
        reached = Some(now);
    }
}

/// The next rows; how far they reach; whether they are the last.
fn chunk(
    ask: &Ask<'_>,
    reached: Option<Reached>,
    last: &[EntityKey],
    clock: &dyn Clock,
) -> Result<(Gathered, Reached, bool)> {
    let mut out = Gathered::default();
    let mut now = Reached { rowid: i64::MIN, schema: ask.schema.version };
    let mut is_over = true;
    if !ask.schema.has_parts {
        return Ok((out, now, true));
    }
    let begun = clock.now();
    ask.in_one(|| {
        let version = "PRAGMA schema_version";
        now.schema = ask.db.prepare_cached(version)?.query_row([], |row| row.get(0))?;
        now.rowid = match reached {
            None => i64::MIN,
            Some(reached) if reached.schema == now.schema => reached.rowid,
            Some(_) => found_again(ask, last)?,
        };
        let (mut rows, mut damage) = (0, None);
        let mut statement = ask.db.prepare_cached(&ask.schema.all_parts)?;
        let mut found = statement.query(params![now.rowid, ask.cap()])?;
        loop {
            let row = match found.next() {
                Ok(Some(row)) => row,
                Ok(None) => break,
                Err(error) => {
                    damage = Some(error);
                    break;
                }
            };
            now.rowid = whole(row, 5)?;
            match id::<MessageId>(row, 4)? {
                Ok(message) => part_row(ask, &message, row, &mut out)?,
                Err(kind) => out.note(None, ask, kind),
            }
            rows += 1;
            let is_late = || rows % ROWS == 0 && clock.now().since(begun) > LONGEST;
            if out.arena.len() > BYTES || is_late() {
                is_over = false;
                break;
            }
        }
        if let Some(error) = damage {
            out.note_damage(ask, None, Err(error))?;
            if let Some(beyond) = beyond_damage(ask, now.rowid)? {
                (now.rowid, is_over) = (beyond, false);
            }
        }
        Ok(())
    })?;
    Ok((out, now, is_over))
}

/// The number after which rows can be read again, where the next one after `reached` cannot.
fn beyond_damage(ask: &Ask<'_>, reached: i64) -> Result<Option<i64>> {
    let reads = |rowid: i64| {
        let mut statement = ask.db.prepare_cached(&ask.schema.all_parts)?;
        match statement.query(params![rowid, ask.cap()])?.next() {
            Ok(_) => Ok(true),
            Err(error) if is_damage(&error) => Ok(false),
            Err(error) => Err(error),
        }
    };
    // Rows are numbered from 1 on; ever longer steps, and then back by halves.
    let (mut bad, mut step) = (reached.max(0), 1_i64);
    let mut good = loop {
        let next = bad.saturating_add(step);
        if reads(next)? {
            break next;
        }
        if next == i64::MAX {
            return Ok(None);
        }
        (bad, step) = (next, step.saturating_mul(2));
    };
    while good - bad > 1 {
        let middle = bad + (good - bad) / 2;
        if reads(middle)? { good = middle } else { bad = middle }
    }
    Ok(Some(good))
}

/// Where the last row is that was handed out and is still there, now that all have new numbers in
/// the same order. If all are gone the pass begins again.
fn found_again(ask: &Ask<'_>, last: &[EntityKey]) -> Result<i64> {
    for key in last.iter().rev() {
        if let EntityKey::Part(key) = key {
            let mut rowid = None;
            ask.each("SELECT rowid FROM part WHERE id = ?1", [key.part.as_str()], |row| {
                rowid = Some(whole(row, 0)?);
                Ok(())
            })?;
            if let Some(rowid) = rowid {
                return Ok(rowid);
            }
        }
    }
    Ok(i64::MIN)
}
