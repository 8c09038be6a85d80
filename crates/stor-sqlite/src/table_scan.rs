//! Scans all rows of a table in several transactions. Each is short, so that the writer can run its
//! checkpoints in between.

use std::ops::ControlFlow;
use std::time::Duration;

use rusqlite::Row as SqlRow;

use crate::cells::{bytes, integer};
use crate::damage_skip::DamageSkip;
use crate::error::{Result, is_damage};
use crate::query_context::QueryContext;
use crate::schema::Schema;
use crate::schema::parts::ROWID;
use crate::schema::v2::row_column;

/// How many ids of the last rows a checkpoint remembers.
const REMEMBERED_ROWS: i64 = 64;
/// The longest time of one transaction.
const MAX_DURATION: Duration = Duration::from_millis(50);
/// The clock is read once per this number of rows.
const CLOCK_INTERVAL: u64 = 64;

/// A table that is scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScannedTable {
    /// Parts of 1.x.
    Part,
    /// Rows of 2.x.
    Row,
}

/// The position of a scan between two transactions.
#[derive(Debug)]
pub(crate) struct TableScan {
    table: ScannedTable,
    /// The last row that was handed out.
    rowid: Option<i64>,
    /// The schema version at the last checkpoint. VACUUM increases it and gives all rows new
    /// numbers.
    schema_version: i64,
    /// The ids of the last rows before the checkpoint, the last one first.
    last_ids: Vec<String>,
    skip: DamageSkip,
}

/// Where a transaction of the scan ended.
pub(crate) struct Checkpoint {
    pub(crate) rowid: i64,
    pub(crate) schema_version: i64,
    pub(crate) is_over: bool,
    pub(crate) last_ids: Vec<String>,
    pub(crate) damage: Option<rusqlite::Error>,
    skip: DamageSkip,
}

impl ScannedTable {
    pub(crate) const ALL: [Self; 2] = [Self::Part, Self::Row];

    fn name(self) -> &'static str {
        match self {
            Self::Part => "part",
            Self::Row => "session_message",
        }
    }

    /// Returns the place of the rowid among the selected columns.
    fn rowid(self) -> usize {
        match self {
            Self::Part => ROWID,
            Self::Row => row_column::ROWID,
        }
    }

    /// Returns the query for the rows after a rowid.
    fn query(self, schema: &Schema, is_borrowed: bool) -> &str {
        match self {
            Self::Row => schema.v2.as_ref().map_or("", |v2| &v2.all_after_row),
            Self::Part => match &schema.parts {
                Some(parts) if is_borrowed => &parts.borrowed_after_row,
                Some(parts) => &parts.all_after_row,
                None => "",
            },
        }
    }
}

impl TableScan {
    pub(crate) fn new(table: ScannedTable) -> Self {
        Self {
            table,
            rowid: None,
            schema_version: 0,
            last_ids: Vec::new(),
            skip: DamageSkip::default(),
        }
    }

    pub(crate) fn resume_from(&mut self, checkpoint: Checkpoint) {
        let Checkpoint { rowid, schema_version, last_ids, skip, .. } = checkpoint;
        *self = Self { table: self.table, rowid: Some(rowid), schema_version, last_ids, skip };
    }

    pub(crate) fn has_table(&self, context: &QueryContext<'_>) -> bool {
        match self.table {
            ScannedTable::Part => context.schema.parts.is_some(),
            ScannedTable::Row => context.schema.v2.is_some(),
        }
    }

    /// Scans in one transaction until `take` breaks, the time is up, or the table ends.
    pub(crate) fn step(
        &self,
        context: &QueryContext<'_>,
        is_borrowed: bool,
        take: &mut dyn FnMut(&SqlRow<'_>) -> rusqlite::Result<ControlFlow<()>>,
    ) -> Result<Checkpoint> {
        let mut checkpoint = Checkpoint {
            rowid: i64::MIN,
            schema_version: context.schema.version,
            is_over: true,
            last_ids: Vec::new(),
            damage: None,
            skip: self.skip,
        };
        if !self.has_table(context) {
            return Ok(checkpoint);
        }
        let (table, sql) = (self.table, self.table.query(context.schema, is_borrowed));
        let start = context.clock.now();
        context.in_one_transaction(|| {
            // Read the version inside the transaction: a VACUUM between two transactions moves all
            // rows, and the old position would skip or repeat some.
            checkpoint.schema_version = Schema::version_of(context.db)?;
            checkpoint.rowid = match self.rowid {
                None => i64::MIN,
                Some(rowid) if self.schema_version == checkpoint.schema_version => rowid,
                Some(_) => relocate_rowid(context, table, &self.last_ids)?,
            };
            let from = checkpoint.rowid;
            let (mut rows, mut last, mut is_stopped) = (0, from, false);
            let mut statement = context.db.prepare_cached(sql)?;
            let mut cursor = statement.query([from])?;
            while !is_stopped {
                let row = match cursor.next() {
                    Ok(Some(row)) => row,
                    Ok(None) => break,
                    Err(error) if is_damage(&error) => {
                        checkpoint.damage = Some(error);
                        break;
                    }
                    Err(error) => return Err(error.into()),
                };
                rows += 1;
                // A damaged table may return rows before the start.
                last = last.max(integer(row, table.rowid())?);
                let is_late = || {
                    rows % CLOCK_INTERVAL == 0
                        && context.clock.now().duration_since(start) > MAX_DURATION
                };
                // A long transaction would stop the writer's checkpoints. The row is handed out
                // already, so the next transaction starts after it.
                is_stopped = take(row)?.is_break() || is_late();
            }
            drop(cursor);
            if is_stopped && last > from {
                (checkpoint.rowid, checkpoint.is_over) = (last, false);
            } else if (is_stopped || checkpoint.damage.is_some())
                // The cursor cannot move past a damaged page. Continue in a new transaction from the
                // first place that can be read again.
                && let Some(beyond) = checkpoint.skip.beyond(&mut statement, from, last)?
            {
                (checkpoint.rowid, checkpoint.is_over) = (beyond, false);
            }
            if !checkpoint.is_over {
                checkpoint.last_ids = last_ids_before(context, table, checkpoint.rowid)?;
            }
            Ok(())
        })?;
        Ok(checkpoint)
    }
}

/// Returns the ids of the last rows up to a rowid, the last row first.
fn last_ids_before(
    context: &QueryContext<'_>,
    table: ScannedTable,
    rowid: i64,
) -> Result<Vec<String>> {
    let mut ids = Vec::new();
    let table = table.name();
    let sql = format!("SELECT id FROM {table} WHERE rowid <= ?1 ORDER BY rowid DESC LIMIT ?2");
    let result = context.for_each_row(&sql, [rowid, REMEMBERED_ROWS], |row| {
        ids.push(String::from_utf8_lossy(bytes(row, 0)?).into_owned());
        Ok(())
    });
    match result {
        Err(error) if !is_damage(&error) => Err(error.into()),
        _ => Ok(ids),
    }
}

/// Returns the new rowid of the last row that was handed out and still exists. VACUUM gives new
/// numbers but keeps the order of rows. If all remembered rows are gone, the scan starts over.
fn relocate_rowid(
    context: &QueryContext<'_>,
    table: ScannedTable,
    last_ids: &[String],
) -> Result<i64> {
    let sql = format!("SELECT rowid FROM {} WHERE id = ?1", table.name());
    for id in last_ids {
        let mut rowid = None;
        context.for_each_row(&sql, [id], |row| {
            rowid = Some(integer(row, 0)?);
            Ok(())
        })?;
        if let Some(rowid) = rowid {
            return Ok(rowid);
        }
    }
    Ok(i64::MIN)
}
