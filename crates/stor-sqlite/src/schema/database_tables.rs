//! Reads which tables and columns a database has.

use std::collections::{BTreeSet, HashMap};

use rusqlite::Connection;

use super::table::Table;
use super::tables::READ_TABLES;

/// The known tables in a database, each with its columns.
#[derive(Debug)]
pub(crate) struct DatabaseTables(HashMap<String, DatabaseColumns>);

/// The columns of a table.
#[derive(Debug, Default)]
pub(crate) struct DatabaseColumns {
    /// The declared types by name.
    types: HashMap<String, String>,
    primary_key: Vec<String>,
}

impl DatabaseTables {
    /// Reads the tables of a database. A view with the name of a table is ignored.
    pub(crate) fn read(db: &Connection) -> rusqlite::Result<Self> {
        let names = READ_TABLES.map(|table| format!("'{}'", table.name)).join(", ");
        let sql = format!(
            "SELECT t.name, c.name, c.type, c.pk FROM sqlite_schema AS t \
             JOIN pragma_table_info(t.name, 'main') AS c WHERE t.type = 'table' AND t.name IN ({names})"
        );
        let mut tables: HashMap<String, DatabaseColumns> = HashMap::new();
        let mut statement = db.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let columns = tables.entry(row.get(0)?).or_default();
            columns.types.insert(row.get(1)?, row.get(2)?);
            if row.get::<_, i64>(3)? > 0 {
                columns.primary_key.push(row.get(1)?);
            }
        }
        Ok(Self(tables))
    }

    pub(crate) fn get(&self, table: &Table) -> Option<&DatabaseColumns> {
        self.0.get(table.name)
    }

    /// Returns the readable tables whose primary key is missing or has other columns, so that a row
    /// may be there twice.
    pub(crate) fn without_keys(&self) -> BTreeSet<&'static str> {
        let is_without_key = |table: &&&Table| {
            self.readable(table).is_some_and(|columns| {
                let is_in_key = |column: &String| table.key.contains(&column.as_str());
                columns.primary_key.is_empty() || !columns.primary_key.iter().all(is_in_key)
            })
        };
        READ_TABLES.iter().filter(is_without_key).map(|table| table.name).collect()
    }

    /// Returns the columns of a table if the table has all required columns.
    pub(crate) fn readable(&self, table: &Table) -> Option<&DatabaseColumns> {
        let columns = self.get(table)?;
        table.required_columns().all(|column| columns.has(column.name)).then_some(columns)
    }
}

impl DatabaseColumns {
    pub(crate) fn has(&self, column: &str) -> bool {
        self.types.contains_key(column)
    }

    /// Returns the declared type of a column.
    pub(crate) fn declared_type(&self, column: &str) -> Option<&str> {
        self.types.get(column).map(String::as_str)
    }

    pub(crate) fn column_names(&self) -> impl Iterator<Item = &str> {
        self.types.keys().map(String::as_str)
    }
}
