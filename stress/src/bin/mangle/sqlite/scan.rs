//! The rows that SQLite reads without any index. The truth for databases with a log, whose pages
//! only SQLite itself can put together.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;
use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::base::{Base, NamedRow, Object, TABLES};
use super::pages::Tree;
use super::record::Cell;

/// The rows of a database, and whether all could be read.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub(crate) rows: Vec<NamedRow>,
    /// The tables that exist.
    pub(crate) tables: Vec<&'static str>,
    pub(crate) is_whole: bool,
    /// Whether rows are left out because their bytes are damaged.
    pub(crate) is_changed: bool,
}

impl Scan {
    /// Returns a base of the rows, without their pages.
    pub(crate) fn into_base(self) -> Base {
        let object = |name: &&str| Object {
            name: (*name).to_owned(),
            table: (*name).to_owned(),
            is_index: false,
            root: 0,
            tree: Tree::default(),
        };
        let objects = self.tables.iter().map(object).collect();
        let (bytes, schema) = (Vec::new(), BTreeSet::new());
        Base { bytes, page_size: 0, objects, schema, rows: self.rows }
    }
}

/// Reads every table as far as SQLite can. May write beside the file, so read a copy.
pub(crate) fn scan(path: &Path) -> Scan {
    let mut scan = Scan { is_whole: true, ..Scan::default() };
    let Ok(db) = Connection::open(path) else { return Scan::default() };
    for table in TABLES {
        let name = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?1";
        match db.query_row(name, [table], |row| row.get::<_, i64>(0)) {
            Ok(0) => continue,
            Ok(_) => scan.tables.push(table),
            Err(_) => return Scan::default(),
        }
        scan.is_whole &= scan_table(&db, table, &mut scan.rows).is_ok();
    }
    scan
}

fn scan_table(db: &Connection, table: &'static str, into: &mut Vec<NamedRow>) -> Result<()> {
    let mut statement = db.prepare(&format!("SELECT * FROM {table} NOT INDEXED"))?;
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let cell = |at| row.get_ref(at).map(cell);
        let cells = (0..columns.len()).map(cell).collect::<rusqlite::Result<Vec<_>>>()?;
        let cells = columns.iter().cloned().zip(cells).collect();
        into.push(NamedRow { table, cells, pages: Vec::new() });
    }
    Ok(())
}

fn cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Integer(number),
        ValueRef::Real(number) => Cell::Real(number),
        ValueRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => Cell::Text(text.to_owned()),
            Err(_) => Cell::Bytes,
        },
        ValueRef::Blob(_) => Cell::Bytes,
    }
}
