//! Finds the tables whose indexes cannot be trusted.
//!
//! The usual damage of a database is an index that lacks rows. SQLite reports no error for it: each
//! query through the index lacks these rows, and even `count(*)` counts the index. So the entries of
//! each index are compared with the rows of the table itself.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use crate::error::{Result, is_damage};
use crate::files::FileStamps;
use crate::query_context::QueryContext;
use crate::suspicion::{Suspicion, TableNames};

/// The tables whose indexes were found to be unsound. All connections read these tables without
/// their indexes.
#[derive(Debug, Default)]
pub(crate) struct UnsoundTables {
    names: Mutex<TableNames>,
    /// The stamps of the files when the tables of each suspicion were compared last.
    compared: Mutex<[Option<FileStamps>; Suspicion::ALL.len()]>,
}

impl UnsoundTables {
    pub(crate) fn names(&self) -> TableNames {
        lock(&self.names).clone()
    }

    /// Compares the tables of a suspicion with their indexes, unless this was done before. Returns
    /// whether a table is unsound that the query took for sound. Other threads wait, because their
    /// queries may have used the same index.
    pub(crate) fn examine(
        &self,
        context: &QueryContext<'_>,
        suspicion: Suspicion,
        files: FileStamps,
    ) -> Result<bool> {
        let mut compared = lock(&self.compared);
        let last = &mut compared[(suspicion as u8).trailing_zeros() as usize];
        let is_done = match suspicion.is_repeated() {
            true => *last == Some(files),
            false => last.is_some(),
        };
        if !is_done {
            let unsound = unsound_tables(context, suspicion)?;
            lock(&self.names).extend(unsound);
            *last = Some(files);
        }
        Ok(*lock(&self.names) != *context.unsound_tables)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An index of a table.
pub(crate) struct TableIndex {
    pub(crate) name: String,
    /// The columns. An expression is left out.
    pub(crate) columns: Vec<String>,
}

/// Returns the indexes of a table that have an entry for every row. The schema is named because a table
/// that was found to be unsound before has a view in its place.
pub(crate) fn indexes_of(db: &Connection, table: &str) -> rusqlite::Result<Vec<TableIndex>> {
    let mut names =
        db.prepare_cached("SELECT name FROM pragma_index_list(?1, 'main') WHERE partial = 0")?;
    let mut columns = db.prepare_cached(
        "SELECT name FROM pragma_index_info(?1, 'main') WHERE name IS NOT NULL ORDER BY seqno",
    )?;
    let names =
        names.query_map([table], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()?;
    let with_columns = |name: String| {
        let columns =
            columns.query_map([&name], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        Ok(TableIndex { name, columns })
    };
    names.into_iter().map(with_columns).collect()
}

/// Returns those tables of a suspicion that are damaged themselves, or that have an index with other
/// entries than the rows of the table.
fn unsound_tables(context: &QueryContext<'_>, suspicion: Suspicion) -> Result<TableNames> {
    let mut unsound = TableNames::new();
    // A commit between two queries would make the sums differ.
    context.in_one_transaction(|| {
        for table in suspicion.tables() {
            if !is_sound(context.db, table, suspicion.is_thorough())? {
                unsound.insert(table);
            }
        }
        Ok(())
    })?;
    Ok(unsound)
}

fn is_sound(db: &Connection, table: &str, is_thorough: bool) -> rusqlite::Result<bool> {
    let indexes = indexes_of(db, table)?;
    if indexes.is_empty() {
        return Ok(true); // each query reads the table itself
    }
    let rows_and_sum = |terms: &str, hint: &str| -> rusqlite::Result<Option<(i64, f64)>> {
        // `main` because a table that was found to be unsound before has a view in its place.
        let sql = format!("SELECT {terms} FROM main.{} {hint}", quoted(table));
        let read = |sql: &str| {
            db.prepare(sql)?
                .query_row([], |row| Ok((row.get(0)?, if is_thorough { row.get(1)? } else { 0.0 })))
        };
        match read(&sql) {
            Err(error) if is_damage(&error) => Ok(None),
            sum => sum.map(Some),
        }
    };
    // SQLite answers `count(*)` alone from the heads of the pages.
    let [of_table, of_index] = match is_thorough {
        true => ["count(*), total(rowid)"; 2],
        false => ["count(*)", "count(rowid)"],
    };
    let Some(rows) = rows_and_sum(of_table, "NOT INDEXED")? else { return Ok(false) };
    for index in indexes {
        let hint = format!("INDEXED BY {}", quoted(&index.name));
        if rows_and_sum(of_index, &hint)? != Some(rows) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns a name as SQL.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
