//! Every part, in the order of the table: one pass, in transactions that are short enough for the
//! writer's checkpoints to go on. Two passes where there are rows of 2.x, which hold their parts.

use std::ops::ControlFlow;
use std::time::Duration;

use rusqlite::Row as SqlRow;
use scrollback_core_err::IssueKind;
use scrollback_core_id::{MessageId, OrderKey, PartId, PartKey, SessionId, SessionKey};
use scrollback_stor_mmap::Arena;
use scrollback_stor_read::{Each, EachLent, Lent, LentRecord};

use crate::ask::{Ask, Gathered, bytes, id, whole};
use crate::error::{Result, is_damage};
use crate::look::SqliteLook;
use crate::messages::data;
use crate::parts::part_row;
use crate::schema::Schema;
use crate::v2::rows::with_row;
use crate::v2::schema::{V2Schema, column};
use crate::v2::translate::{Ending, Place, Wanted, translate};

/// So much is read before it is handed out.
const BYTES: usize = 1 << 20;
/// Room for that, and for what comes last.
const FULL: usize = BYTES + (BYTES >> 3);
/// So many rows are lent before they are said to hold.
const LENT: usize = 4096;
/// So many of the last parts of a transaction are remembered.
const LAST: i64 = 64;
/// So long a transaction takes at most.
const LONGEST: Duration = Duration::from_millis(50);
/// The clock is asked once in so many rows.
const ROWS: u64 = 64;

/// A table that is walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Table {
    /// Parts of 1.x.
    Part,
    /// Rows of 2.x.
    Row,
}

/// A pass over the table, from one transaction to the next.
#[derive(Debug)]
struct Pass {
    table: Table,
    /// The last row that was reached.
    rowid: Option<i64>,
    /// The schema's version, which VACUUM moves on: it numbers all rows anew.
    schema: i64,
    /// The ids of the last rows of the last transaction, the very last one first.
    last: Vec<String>,
}

/// What a transaction came to.
struct Reached {
    rowid: i64,
    schema: i64,
    is_over: bool,
    last: Vec<String>,
    damage: Option<rusqlite::Error>,
}

/// Hands out every part.
pub(crate) fn all_parts(
    look: &mut SqliteLook<'_>,
    each: &mut Each<'_>,
) -> scrollback_stor_read::Result<()> {
    for table in Table::ALL {
        if parts_of(table, look, each)?.is_break() {
            break;
        }
    }
    Ok(())
}

fn parts_of(
    table: Table,
    look: &mut SqliteLook<'_>,
    each: &mut Each<'_>,
) -> scrollback_stor_read::Result<ControlFlow<()>> {
    let mut pass = Pass::new(table);
    loop {
        let (gathered, reached) = look.ask(|ask| {
            let arena = Arena::with_capacity(if pass.is_there(ask) { FULL } else { 0 });
            let mut out = Gathered { arena, ..Gathered::default() };
            let mut owner = None;
            let reached = pass.step(ask, false, &mut |row| {
                match &ask.schema.v2 {
                    Some(v2) if table == Table::Row => {
                        read_row(ask, v2, row, Ending::WithIds, &mut out)?;
                    }
                    _ => match message_of(row, &mut owner)? {
                        Ok(message) => part_row(ask, message, row, &mut out)?,
                        Err(kind) => out.note(None, ask, kind),
                    },
                }
                let is_full = out.arena.len() > BYTES;
                Ok(if is_full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            })?;
            if let Some(damage) = &reached.damage {
                out.note(None, ask, IssueKind::Database { what: damage.to_string() });
            }
            Ok((out, reached))
        })?;
        let flow = gathered.hand_out(each);
        if flow.is_break() || reached.is_over {
            return Ok(flow);
        }
        pass.go_on_from(reached);
    }
}

/// The parts that a row of 2.x holds.
fn read_row(
    ask: &Ask<'_>,
    v2: &V2Schema,
    row: &SqlRow<'_>,
    ending: Ending,
    out: &mut Gathered,
) -> rusqlite::Result<()> {
    let of = match id(row, column::MORE, SessionId::from_bytes)? {
        Ok(session) => SessionKey::from(session),
        Err(kind) => {
            out.note(None, ask, kind);
            return Ok(());
        }
    };
    with_row(ask, v2, &of, row, out, |read, out| {
        if read.kind.is_message() {
            translate(read, &of, &Place::default(), Wanted::Parts, ending, out);
        }
    })
}

/// Lends every part.
pub(crate) fn lend(
    look: &mut SqliteLook<'_>,
    each: &mut EachLent<'_>,
) -> scrollback_stor_read::Result<()> {
    for table in Table::ALL {
        if lend_of(table, look, each)?.is_break() {
            break;
        }
    }
    Ok(())
}

fn lend_of(
    table: Table,
    look: &mut SqliteLook<'_>,
    each: &mut EachLent<'_>,
) -> scrollback_stor_read::Result<ControlFlow<()>> {
    let mut pass = Pass::new(table);
    let mut ended = ControlFlow::Continue(());
    let mut scratch = Gathered::default();
    loop {
        let mut again = false;
        let reached = look.ask(|ask| {
            if again && ended.is_continue() {
                ended = each(Lent::Forget);
            }
            again = true;
            let mut rows = 0;
            let mut reached = pass.step(ask, true, &mut |row| {
                if ended.is_break() {
                    return Ok(ended);
                }
                ended = match &ask.schema.v2 {
                    Some(v2) if table == Table::Row => {
                        read_row(ask, v2, row, Ending::Bare, &mut scratch)?;
                        scratch.lend(each)
                    }
                    _ => lend_row(ask, row, each)?,
                };
                rows += 1;
                Ok(if rows == LENT { ControlFlow::Break(()) } else { ended })
            })?;
            if let Some(damage) = reached.damage.take().filter(|_| ended.is_continue()) {
                let kind = IssueKind::Database { what: damage.to_string() };
                ended = each(Lent::Issue(None, ask.issue(kind)));
            }
            Ok(reached)
        })?;
        if ended.is_continue() {
            ended = each(Lent::Holds);
        }
        if ended.is_break() || reached.is_over {
            return Ok(ended);
        }
        pass.go_on_from(reached);
    }
}

/// Lends the record of a row, or says what is wrong with it.
fn lend_row(
    ask: &Ask<'_>,
    row: &SqlRow<'_>,
    each: &mut EachLent<'_>,
) -> rusqlite::Result<ControlFlow<()>> {
    let named = || {
        let message: MessageId = ask.id(row, 4, MessageId::from_bytes)?;
        Ok(PartKey { message, part: ask.id(row, 0, PartId::from_bytes)? }.into())
    };
    Ok(match data(ask, row.get_ref(3)?) {
        Err(kind) => each(Lent::Issue(named().ok(), ask.issue(kind))),
        Ok(bytes) => {
            let (stamp, settled) = ask.stamp(bytes.len() as u64, whole(row, 2)?, 0);
            let order = OrderKey::default();
            each(Lent::Record(LentRecord { named: &named, order, bytes, stamp, settled }))
        }
    })
}

/// The message of a row; most often it is that of the row before.
fn message_of<'o>(
    row: &SqlRow<'_>,
    last: &'o mut Option<MessageId>,
) -> rusqlite::Result<Result<&'o MessageId, IssueKind>> {
    let is_same = last.as_ref().map(MessageId::as_bytes) == Some(bytes(row, 4)?);
    if !is_same {
        match id(row, 4, MessageId::from_bytes)? {
            Ok(message) => *last = Some(message),
            Err(kind) => return Ok(Err(kind)),
        }
    }
    Ok(last.as_ref().ok_or(IssueKind::Vanished)) // it was just put there
}

impl Table {
    const ALL: [Self; 2] = [Self::Part, Self::Row];

    fn name(self) -> &'static str {
        match self {
            Self::Part => "part",
            Self::Row => "session_message",
        }
    }

    /// Where the number of the row is in what is selected.
    fn rowid(self) -> usize {
        match self {
            Self::Part => 5,
            Self::Row => column::MORE + 1,
        }
    }

    /// The query for the rows after one.
    fn query(self, schema: &Schema, is_lent: bool) -> &str {
        match (self, &schema.v2) {
            (Self::Row, Some(v2)) => &v2.all,
            _ if is_lent => &schema.lent_parts,
            _ => &schema.all_parts,
        }
    }
}

impl Pass {
    fn new(table: Table) -> Self {
        Self { table, rowid: None, schema: 0, last: Vec::new() }
    }

    fn go_on_from(&mut self, reached: Reached) {
        let Reached { rowid, schema, last, .. } = reached;
        *self = Self { table: self.table, rowid: Some(rowid), schema, last };
    }

    fn is_there(&self, ask: &Ask<'_>) -> bool {
        match self.table {
            Table::Part => ask.schema.has_parts,
            Table::Row => ask.schema.v2.is_some(),
        }
    }

    /// Goes on in one transaction, until `take` breaks or time is up.
    fn step(
        &self,
        ask: &Ask<'_>,
        is_lent: bool,
        take: &mut dyn FnMut(&SqlRow<'_>) -> rusqlite::Result<ControlFlow<()>>,
    ) -> Result<Reached> {
        let mut reached = Reached {
            rowid: i64::MIN,
            schema: ask.schema.version,
            is_over: true,
            last: Vec::new(),
            damage: None,
        };
        if !self.is_there(ask) {
            return Ok(reached);
        }
        let (table, sql) = (self.table, self.table.query(ask.schema, is_lent));
        let begun = ask.clock.now();
        ask.in_one(|| {
            let version = "PRAGMA schema_version";
            reached.schema = ask.db.prepare_cached(version)?.query_row([], |row| row.get(0))?;
            reached.rowid = match self.rowid {
                None => i64::MIN,
                Some(rowid) if self.schema == reached.schema => rowid,
                Some(_) => found_again(ask, table, &self.last)?,
            };
            let mut rows = 0;
            let mut statement = ask.db.prepare_cached(sql)?;
            let mut found = statement.query([reached.rowid])?;
            loop {
                let row = match found.next() {
                    Ok(Some(row)) => row,
                    Ok(None) => break,
                    Err(error) if is_damage(&error) => {
                        reached.damage = Some(error);
                        break;
                    }
                    Err(error) => return Err(error.into()),
                };
                rows += 1;
                let is_late = || rows % ROWS == 0 && ask.clock.now().since(begun) > LONGEST;
                if take(row)?.is_break() || is_late() {
                    (reached.rowid, reached.is_over) = (whole(row, table.rowid())?, false);
                    break;
                }
            }
            if reached.damage.is_some() {
                let last = nth(ask, table, reached.rowid, rows)?;
                if let Some(beyond) = beyond_damage(ask, table, last)? {
                    (reached.rowid, reached.is_over) = (beyond, false);
                }
            }
            if !reached.is_over {
                reached.last = last_before(ask, table, reached.rowid)?;
            }
            Ok(())
        })?;
        Ok(reached)
    }
}

/// The number of the row that comes `rows` after another.
fn nth(ask: &Ask<'_>, table: Table, after: i64, rows: u64) -> Result<i64> {
    let mut reached = after;
    if let Some(before) = rows.checked_sub(1) {
        let wanted = if table == Table::Part { &ask.schema.shown_parts } else { "1" };
        let sql = format!(
            "SELECT rowid FROM {} WHERE rowid > ?1 AND {wanted} ORDER BY rowid LIMIT 1 OFFSET ?2",
            table.name(),
        );
        ask.each(&sql, [after, before.cast_signed()], |row| {
            reached = whole(row, 0)?;
            Ok(())
        })?;
    }
    Ok(reached)
}

/// The number after which rows can be read again, where the next one after `reached` cannot.
fn beyond_damage(ask: &Ask<'_>, table: Table, reached: i64) -> Result<Option<i64>> {
    let reads = |rowid: i64| {
        let mut statement = ask.db.prepare_cached(table.query(ask.schema, false))?;
        match statement.query([rowid])?.next() {
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

/// The ids of the last rows up to one.
fn last_before(ask: &Ask<'_>, table: Table, rowid: i64) -> Result<Vec<String>> {
    let mut last = Vec::new();
    let table = table.name();
    let sql = format!("SELECT id FROM {table} WHERE rowid <= ?1 ORDER BY rowid DESC LIMIT ?2");
    let asked = ask.each(&sql, [rowid, LAST], |row| {
        last.push(String::from_utf8_lossy(bytes(row, 0)?).into_owned());
        Ok(())
    });
    match asked {
        Err(error) if !is_damage(&error) => Err(error.into()),
        _ => Ok(last),
    }
}

/// Where the last row is that was handed out and is still there, now that all have new numbers in
/// the same order. If all are gone the pass begins again.
fn found_again(ask: &Ask<'_>, table: Table, last: &[String]) -> Result<i64> {
    let sql = format!("SELECT rowid FROM {} WHERE id = ?1", table.name());
    for id in last {
        let mut rowid = None;
        ask.each(&sql, [id], |row| {
            rowid = Some(whole(row, 0)?);
            Ok(())
        })?;
        if let Some(rowid) = rowid {
            return Ok(rowid);
        }
    }
    Ok(i64::MIN)
}
