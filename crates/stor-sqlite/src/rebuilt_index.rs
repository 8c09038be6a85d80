//! Rebuilds the indexes of a table in memory, if the ones in the database lack rows or are damaged,
//! or if the table lost its primary key.
//!
//! The columns of all indexes are read from the table itself, in the order of its rows, into a
//! temporary table. This table gets the indexes. A temporary view with the name of the table joins
//! both. SQLite finds a temporary view before the table, so every query reads through the view, and
//! no query through an index of the database. Of several rows with the same ids, the last one is read.

use std::collections::BTreeSet;

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Statement, params_from_iter};

use crate::access::REBUILT_PREFIX as PREFIX;
use crate::damage_skip::DamageSkip;
use crate::error::is_damage;
use crate::schema::table::Table;
use crate::schema::tables::READ_TABLES;
use crate::suspicion::{RepeatedRows, TableNames};
use crate::unsound_indexes::{TableIndex, indexes_of, quoted};

/// The columns that name the owner of a row. Queries search by them.
const OWNERS: [&str; 2] = ["session_id", "message_id"];

/// Rebuilds the indexes of these tables. The connection must allow temporary tables.
pub(crate) fn rebuild_indexes(
    db: &Connection,
    names: &TableNames,
) -> rusqlite::Result<RepeatedRows> {
    let mut repeated = RepeatedRows::new();
    for table in READ_TABLES.into_iter().filter(|table| names.contains(table.name)) {
        let count = rebuild_table(db, table)?;
        if count > 0 {
            repeated.insert(table.name, count);
        }
    }
    Ok(repeated)
}

/// Rebuilds the indexes of a table. Returns how many rows have the same ids as other rows.
fn rebuild_table(db: &Connection, read_table: &Table) -> rusqlite::Result<usize> {
    let name = read_table.name;
    let mut all_columns = db.prepare("SELECT name FROM pragma_table_info(?1, 'main')")?;
    let all_columns: Vec<String> =
        all_columns.query_map([name], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let has = |column: &&str| all_columns.iter().any(|name| name == column);
    if !read_table.key.iter().all(&has) {
        return Ok(0); // no table, or a table that is not read
    }
    let indexes = indexes_of(db, name)?;
    let listed = indexes.iter().map(|index| index.columns.iter().map(String::as_str).collect());
    let own = OWNERS.into_iter().filter(has).map(|owner| vec![owner]);
    let mut searched: Vec<Vec<&str>> = listed.chain([read_table.key.to_vec()]).collect();
    searched.extend(own.filter(|columns| indexes.iter().all(|index| index.columns != *columns)));
    let columns: BTreeSet<&str> = searched.iter().flatten().copied().collect();
    let columns: Vec<&str> = columns.into_iter().collect();
    let (table, rebuilt, view) =
        (format!("main.{}", quoted(name)), format!("temp.{PREFIX}{name}"), quoted(name));
    let typed: String = columns.iter().map(|column| format!(", {}", quoted(column))).collect();
    db.execute_batch(&format!(
        "DROP VIEW IF EXISTS temp.{view}; DROP TABLE IF EXISTS {rebuilt}; \
         CREATE TABLE {rebuilt} (rid INTEGER PRIMARY KEY, is_lost INTEGER{typed})"
    ))?;
    let places: String = (0..columns.len()).map(|at| format!(", ?{}", at + 2)).collect();
    {
        let mut insert =
            db.prepare(&format!("INSERT OR IGNORE INTO {rebuilt} VALUES (?1, 0{places})"))?;
        scan_table(db, &table, &columns, &mut |rowid, values| {
            insert_row(&mut insert, rowid, values)
        })?;
    }
    add_lost_rows(db, &table, &rebuilt, &indexes)?;
    let repeated = delete_repeated_rows(db, &rebuilt, read_table.key)?;
    for (at, columns) in searched.iter().enumerate() {
        let columns: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
        db.execute_batch(&format!(
            "CREATE INDEX temp.{PREFIX}{name}_{at} ON {PREFIX}{name} ({})",
            columns.join(", ")
        ))?;
    }
    let secrets = read_table.secret_columns;
    let selected = all_columns.iter().filter(|column| !secrets.contains(&column.as_str()));
    let selected = selected.map(|column| {
        let source = if columns.contains(&column.as_str()) { "k" } else { "m" };
        format!(", {source}.{0} AS {0}", quoted(column))
    });
    // A query that needs no other columns than those of the indexes does not read the table.
    db.execute_batch(&format!(
        "CREATE TEMP VIEW {view} AS SELECT k.rid AS rowid{} FROM {rebuilt} AS k \
         LEFT JOIN {table} AS m NOT INDEXED ON m.rowid = k.rid",
        selected.collect::<String>()
    ))?;
    Ok(repeated)
}

/// Deletes the rows that have the same ids as a later row; a row on a sound page stays before one on
/// a damaged page. Returns the number of these rows.
fn delete_repeated_rows(db: &Connection, rebuilt: &str, key: &[&str]) -> rusqlite::Result<usize> {
    let key: Vec<String> = key.iter().map(|column| quoted(column)).collect();
    let is_known: Vec<String> = key.iter().map(|column| format!("{column} IS NOT NULL")).collect();
    let delete = format!(
        "DELETE FROM {rebuilt} WHERE rid IN (SELECT rid FROM (\
         SELECT rid, row_number() OVER (PARTITION BY {} ORDER BY is_lost, rid DESC) AS place \
         FROM {rebuilt} WHERE {}) WHERE place > 1)",
        key.join(", "),
        is_known.join(" AND ")
    );
    db.execute(&delete, [])
}

fn insert_row(insert: &mut Statement<'_>, rowid: i64, values: Vec<Value>) -> rusqlite::Result<()> {
    insert.execute(params_from_iter([Value::Integer(rowid)].into_iter().chain(values))).map(drop)
}

/// Calls `visit` with these columns of each row on a sound page.
fn scan_table(
    db: &Connection,
    table: &str,
    columns: &[&str],
    visit: &mut dyn FnMut(i64, Vec<Value>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let selected: String = columns.iter().map(|column| format!(", {}", quoted(column))).collect();
    let mut rows = db.prepare(&format!(
        "SELECT rowid{selected} FROM {table} NOT INDEXED WHERE rowid >= ?1 ORDER BY rowid"
    ))?;
    let (mut from, mut skip) = (i64::MIN, DamageSkip::default());
    loop {
        let mut last = from;
        let result = visit_rows(&mut rows, Some(from), columns.len(), &mut |rowid, values| {
            last = last.max(rowid);
            visit(rowid, values)
        });
        match result {
            Err(error) if is_damage(&error) => {}
            result => return result,
        }
        match skip.beyond(&mut rows, from, last)? {
            Some(beyond) => from = beyond,
            None => return Ok(()),
        }
    }
}

/// Calls `visit` with the rowid of each row and the columns after it.
fn visit_rows(
    statement: &mut Statement<'_>,
    from: Option<i64>,
    columns: usize,
    visit: &mut dyn FnMut(i64, Vec<Value>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut rows = statement.query(params_from_iter(from))?;
    while let Some(row) = rows.next()? {
        // A damaged text may be no UTF-8, and its row must not keep the others from being read.
        let value = |at| match row.get_ref(at)? {
            ValueRef::Text(text) => Ok(Value::Text(String::from_utf8_lossy(text).into_owned())),
            _ => row.get(at),
        };
        let values = (1..=columns).map(value).collect::<rusqlite::Result<Vec<Value>>>()?;
        visit(row.get(0)?, values)?;
    }
    Ok(())
}

/// Adds the rows that the indexes list and that the table lacks, so that each of them becomes an issue
/// with its key. They lie on damaged pages, or below a page that another one replaced. SQLite reports
/// no error for the latter.
fn add_lost_rows(
    db: &Connection,
    table: &str,
    rebuilt: &str,
    indexes: &[TableIndex],
) -> rusqlite::Result<()> {
    for index in indexes {
        let columns: Vec<String> = index.columns.iter().map(|column| quoted(column)).collect();
        let places: String = (0..columns.len()).map(|at| format!(", ?{}", at + 2)).collect();
        let sets = columns.iter().map(|column| format!("{column} = excluded.{column}"));
        let list = columns.join(", ");
        let mut insert = db.prepare(&format!(
            "INSERT INTO {rebuilt} (rid, is_lost, {list}) VALUES (?1, 1{places}) \
             ON CONFLICT (rid) DO UPDATE SET {} WHERE is_lost",
            sets.collect::<Vec<_>>().join(", ")
        ))?;
        let mut rows = db.prepare(&format!(
            "SELECT rowid, {list} FROM {table} INDEXED BY {}",
            quoted(&index.name)
        ))?;
        let result = visit_rows(&mut rows, None, columns.len(), &mut |rowid, values| {
            insert_row(&mut insert, rowid, values)
        });
        match result {
            Err(error) if is_damage(&error) => {} // the rows before the damage are added
            result => result?,
        }
    }
    Ok(())
}
