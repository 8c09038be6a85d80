//! Finds the tables whose indexes cannot be trusted.
//!
//! The usual damage of a database is an index that lacks rows. SQLite reports no error for it: each
//! query through the index lacks these rows, and even `count(*)` counts the index. So the entries of
//! each index, or their number, are compared with the rows of the table itself.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Result, is_damage};
use crate::files::FileStamps;
use crate::query_context::QueryContext;
use crate::schema::tables::READ_TABLES;
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

fn is_sound(db: &Connection, table: &'static str, is_thorough: bool) -> rusqlite::Result<bool> {
    let mut indexes = indexes_of(db, table)?;
    if indexes.is_empty() {
        return Ok(true); // each query reads the table itself
    }
    for index in &mut indexes {
        index.columns.retain(|column| !is_secret(table, column));
    }
    let compared = match is_thorough {
        true => have_equal_entries(db, table, &indexes),
        false => have_equal_counts(db, table, &indexes),
    };
    match compared {
        Err(error) if is_damage(&error) => Ok(false),
        compared => compared,
    }
}

fn is_secret(table: &str, column: &str) -> bool {
    READ_TABLES.into_iter().any(|read| read.name == table && read.secret_columns.contains(&column))
}

/// Returns a query that reads the table through an index, or else the table itself. The schema is named
/// because a table that was found to be unsound before has a view in its place.
fn query(terms: &str, table: &str, index: Option<&TableIndex>) -> String {
    let hint = match index {
        Some(index) => format!("INDEXED BY {}", quoted(&index.name)),
        None => "NOT INDEXED".to_owned(),
    };
    format!("SELECT {terms} FROM main.{} {hint}", quoted(table))
}

/// Checks whether each index has as many entries as the table has rows.
fn have_equal_counts(
    db: &Connection,
    table: &str,
    indexes: &[TableIndex],
) -> rusqlite::Result<bool> {
    let count = |sql: String| db.prepare(&sql)?.query_row([], |row| row.get::<_, i64>(0));
    // SQLite answers `count(*)` alone from the heads of the pages.
    let rows = count(query("count(*)", table, None))?;
    for index in indexes {
        if count(query("count(rowid)", table, Some(index)))? != rows {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Checks whether each index has the entries of the table's rows: equal sums over the hashes of the
/// entries.
fn have_equal_entries(
    db: &Connection,
    table: &str,
    indexes: &[TableIndex],
) -> rusqlite::Result<bool> {
    let all: BTreeSet<&String> = indexes.iter().flat_map(|index| &index.columns).collect();
    let all: Vec<&String> = all.into_iter().collect();
    let places: Vec<Vec<usize>> = indexes
        .iter()
        .map(|index| (0..all.len()).filter(|at| index.columns.contains(all[*at])).collect())
        .collect();
    let expected = entry_sums(db, table, None, &all, &places)?;
    for (at, index) in indexes.iter().enumerate() {
        let columns: Vec<&String> = places[at].iter().map(|place| all[*place]).collect();
        let places = [(0..columns.len()).collect()];
        if entry_sums(db, table, Some(index), &columns, &places)? != expected[at..=at] {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns the number of rows, and the sum of the hashes of their entries, for each list of places among
/// the columns.
fn entry_sums(
    db: &Connection,
    table: &str,
    index: Option<&TableIndex>,
    columns: &[&String],
    places: &[Vec<usize>],
) -> rusqlite::Result<Vec<(u64, u64)>> {
    let terms: String = columns.iter().map(|column| format!(", {}", quoted(column))).collect();
    let mut statement = db.prepare(&query(&format!("rowid{terms}"), table, index))?;
    let mut rows = statement.query([])?;
    let (mut sums, mut entry) = (vec![(0, 0_u64); places.len()], Vec::new());
    while let Some(row) = rows.next()? {
        for ((count, sum), places) in sums.iter_mut().zip(places) {
            entry.clear();
            entry.extend(row.get::<_, i64>(0)?.to_le_bytes());
            for place in places {
                append_value(&mut entry, row.get_ref(place + 1)?);
            }
            *count += 1;
            *sum = sum.wrapping_add(xxh3_64(&entry));
        }
    }
    Ok(sums)
}

/// Appends a value so that different values have different bytes.
fn append_value(entry: &mut Vec<u8>, value: ValueRef<'_>) {
    let (tag, bytes): (u8, &[u8]) = match value {
        ValueRef::Null => (0, b""),
        // An index may store a whole number in a column of fractions as an integer.
        ValueRef::Integer(number) => (1, &(number as f64).to_le_bytes()),
        ValueRef::Real(number) => (1, &number.to_le_bytes()),
        ValueRef::Text(text) => (2, text),
        ValueRef::Blob(blob) => (3, blob),
    };
    entry.push(tag);
    entry.extend(bytes.len().to_le_bytes());
    entry.extend(bytes);
}

/// Returns a name as SQL.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
