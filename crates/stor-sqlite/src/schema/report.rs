//! Reports what a database has and this version does not know, and what a database lacks.

use std::fmt;

use rusqlite::Connection;

use super::database_tables::DatabaseTables;
use super::problem::{SchemaProblem, problems};
use super::sessions::SessionTableColumns;
use super::tables::{READ_TABLES, is_known_table};

/// How the schema of a database differs from the schemas that this version knows.
///
/// Unknown tables and columns are ignored when the database is read. Tables with credentials count
/// as known. The report reads only their names.
///
/// ```
/// use std::sync::Arc;
/// use scrollback_core_id::{SourceId, SystemClock};
/// use scrollback_stor_sqlite::SqliteReader;
///
/// let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures");
/// let database = format!("{fixtures}/opencode-sqlite/opencode.db");
/// let store = SqliteReader::new(database, SourceId::new("opencode")?, Arc::new(SystemClock));
/// let report = store.schema_report()?;
/// assert!(report.unknown_tables.is_empty() && report.unknown_columns.is_empty());
/// for problem in &report.problems {
///     println!("{problem}");
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SchemaReport {
    /// Unknown tables, sorted by name.
    pub unknown_tables: Vec<String>,
    /// Unknown columns of known tables, sorted by name.
    pub unknown_columns: Vec<UnknownColumn>,
    /// Required columns that are missing or have an unexpected type. Every listing of sessions
    /// reports them as issues too.
    pub problems: Vec<SchemaProblem>,
}

/// An unknown column. Its display form is `table.column`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct UnknownColumn {
    /// The name of the table.
    pub table: String,
    /// The name of the column.
    pub column: String,
}

impl fmt::Display for UnknownColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.table, self.column)
    }
}

impl SchemaReport {
    pub(crate) fn read(db: &Connection) -> rusqlite::Result<Self> {
        let tables = DatabaseTables::read(db)?;
        let is_v2 = SessionTableColumns::find(&tables).is_some_and(|columns| columns.is_v2());
        let mut statement =
            db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")?;
        let names = statement.query_map([], |row| row.get(0))?;
        let mut unknown_tables = names.collect::<rusqlite::Result<Vec<String>>>()?;
        unknown_tables.retain(|name| !is_known_table(name));
        let mut unknown_columns = Vec::new();
        for table in READ_TABLES {
            let columns = tables.get(table).into_iter().flat_map(|columns| columns.column_names());
            let unknown = columns.filter(|name| !table.knows_column(name)).map(|name| {
                UnknownColumn { table: table.name.to_owned(), column: name.to_owned() }
            });
            unknown_columns.extend(unknown);
        }
        unknown_columns.sort_unstable();
        Ok(Self { unknown_tables, unknown_columns, problems: problems(&tables, is_v2) })
    }
}
