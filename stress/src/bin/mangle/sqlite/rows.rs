//! Damage that SQLite itself makes: rows with broken values, lost rows, dropped indexes, tables
//! without their keys.

use std::path::Path;

use anyhow::Result;
use rusqlite::types::Value;
use rusqlite::{Connection, params};

use super::base::{Base, TABLES};
use crate::random::Random;

/// The size of a record that is over the limit of the reads.
const OVERSIZED: usize = crate::case::MAX_RECORD + 100_000;

/// A text that takes the place of a record.
const BROKEN: [&str; 8] = [
    "",
    "null",
    "[]",
    "\"text\"",
    "{\"role\": \"user\", \"time\": {\"crea",
    "{}",
    "\u{0}",
    "{\"id\": 1}",
];

/// Makes one change in the database at `path`. Returns what was done.
pub(crate) fn change(base: &Base, path: &Path, random: &mut Random) -> Result<String> {
    let db = Connection::open(path)?;
    db.pragma_update(None, "foreign_keys", false)?;
    let tables: Vec<&str> = TABLES
        .into_iter()
        .filter(|table| base.rows.iter().any(|row| row.table == *table))
        .collect();
    let Some(table) = random.pick(&tables).copied() else { return Ok("nothing".to_owned()) };
    let ids: Vec<&str> = base
        .rows
        .iter()
        .filter(|row| row.table == table)
        .filter_map(|row| row.text("id"))
        .collect();
    let id = random.pick(&ids).copied().unwrap_or_default();
    let has_data = !table.starts_with("session") || table == "session_message";
    let change = match random.below(12) {
        0 => delete(&db, table, id)?,
        1 => move_to_nowhere(&db, table, id)?,
        2 => drop_index(base, &db, random)?,
        3 => without_keys(&db, table, random)?,
        4 => {
            // An earlier change may have added a column to this table.
            let sql = "SELECT count(*) FROM pragma_table_info(?1)";
            let columns: i64 = db.query_row(sql, [table], |row| row.get(0))?;
            db.execute(
                &format!("ALTER TABLE {table} ADD COLUMN later_column_{columns} text DEFAULT 'x'"),
                [],
            )?;
            format!("column added to {table}")
        }
        5 | 6 => odd_value(&db, table, id, random)?,
        7 if has_data => {
            let pad = "x".repeat(OVERSIZED);
            let set = "json_set(data, '$.padding', ?1)";
            db.execute(
                &format!("UPDATE {table} SET data = {set} WHERE id = ?2"),
                params![pad, id],
            )?;
            format!("row of {table} over the size limit ({id})")
        }
        _ if has_data => {
            let data = BROKEN[random.below(BROKEN.len())];
            db.execute(&format!("UPDATE {table} SET data = ?1 WHERE id = ?2"), params![data, id])?;
            format!("record {data:?} in {table} ({id})")
        }
        _ => odd_value(&db, table, id, random)?,
    };
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(change)
}

fn delete(db: &Connection, table: &str, id: &str) -> Result<String> {
    db.execute(&format!("DELETE FROM {table} WHERE id = ?1"), [id])?;
    Ok(format!("row of {table} deleted ({id})"))
}

/// Gives a row a session or message that does not exist.
fn move_to_nowhere(db: &Connection, table: &str, id: &str) -> Result<String> {
    let column = match table {
        "part" => "message_id",
        "message" | "session_message" => "session_id",
        _ => "parent_id",
    };
    let nowhere = if column == "message_id" { "msg_nowhere" } else { "ses_nowhere" };
    db.execute(&format!("UPDATE {table} SET {column} = ?1 WHERE id = ?2"), [nowhere, id])?;
    Ok(format!("{column} of {table} leads nowhere ({id})"))
}

fn drop_index(base: &Base, db: &Connection, random: &mut Random) -> Result<String> {
    let is_dropped = |name: &str| !name.starts_with("sqlite_autoindex");
    let indexes: Vec<&str> = base
        .objects
        .iter()
        .filter(|it| it.is_index && TABLES.contains(&&*it.table) && is_dropped(&it.name))
        .map(|it| it.name.as_str())
        .collect();
    let Some(index) = random.pick(&indexes) else { return Ok("nothing".to_owned()) };
    db.execute(&format!("DROP INDEX IF EXISTS {index}"), [])?;
    Ok(format!("index {index} dropped"))
}

/// Makes a table anew without its keys and indexes, with some rows twice.
fn without_keys(db: &Connection, table: &str, random: &mut Random) -> Result<String> {
    let twice = 1 + random.below(5);
    db.execute_batch(&format!(
        "CREATE TABLE without_keys AS SELECT * FROM {table};
         DROP TABLE {table};
         ALTER TABLE without_keys RENAME TO {table};
         INSERT INTO {table} SELECT * FROM {table} LIMIT {twice};"
    ))?;
    Ok(format!("{table} without keys ({twice} rows twice)"))
}

/// Gives a column of a row an unexpected value. A value that a constraint refuses changes nothing.
fn odd_value(db: &Connection, table: &str, id: &str, random: &mut Random) -> Result<String> {
    let columns: &[&str] = match table {
        "session" | "session_v2" => &[
            "title",
            "directory",
            "time_created",
            "time_updated",
            "project_id",
            "parent_id",
            "cost",
            "tokens_input",
            "version",
            "model",
            "revert",
            "summary_diffs",
            "time_archived",
            "agent",
        ],
        "session_message" => &["data", "type", "seq", "time_created", "time_updated"],
        _ => &["data", "time_created", "time_updated"],
    };
    let column = columns[random.below(columns.len())];
    let values = [
        Value::Null,
        Value::Integer(-1),
        Value::Integer(i64::MAX),
        Value::Real(1.5),
        Value::Real(1e300),
        Value::Text("text".to_owned()),
        Value::Text("\u{1b}[31m{\"a\": [".to_owned()),
        Value::Blob(vec![0xff, 0, 0x80]),
    ];
    let value = &values[random.below(values.len())];
    let sql = format!("UPDATE OR IGNORE {table} SET {column} = ?1 WHERE id = ?2");
    db.execute(&sql, params![value, id])?;
    Ok(format!("{column} of {table} is {} ({id}, {value:?})", value.data_type()))
}
