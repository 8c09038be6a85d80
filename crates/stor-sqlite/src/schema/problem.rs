//! Finds problems in the schema of a database.

use std::fmt;

use super::database_tables::DatabaseTables;
use super::tables::READ_TABLES;
use super::tables::session::SESSION;
use super::tables::v1::{MESSAGE, PART};

/// A required column that is missing or has an unexpected type.
///
/// A table with a missing column is not read. A column with another type is read, as far as its
/// values have the expected type.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SchemaProblem {
    /// The table has no such column. The column may have a new name: see the unknown columns in the
    /// [`SchemaReport`](crate::SchemaReport).
    Missing {
        /// The table's name.
        table: String,
        /// The column's name.
        column: String,
    },
    /// The database has a table of sessions of 1.x, and lacks this table. The table may have a new name:
    /// see the unknown tables in the [`SchemaReport`](crate::SchemaReport).
    NoTable {
        /// The table's name.
        table: String,
    },
    /// The declared type of the column does not fit.
    Retyped {
        /// The table's name.
        table: String,
        /// The column's name.
        column: String,
        /// The declared type.
        declared: String,
    },
}

impl SchemaProblem {
    /// Checks whether a table is not read because of this problem.
    pub(crate) fn hides_table(&self, name: &str) -> bool {
        match self {
            Self::Missing { table, .. } | Self::NoTable { table } => table == name,
            Self::Retyped { .. } => false,
        }
    }
}

impl fmt::Display for SchemaProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { table, column } => {
                write!(f, "the table {table} has no column {column}, so it is not read")
            }
            Self::NoTable { table } => {
                write!(f, "there is no table {table}, so its records are not read")
            }
            Self::Retyped { table, column, declared } => {
                write!(f, "the column {column} of the table {table} has the type {declared}")
            }
        }
    }
}

/// Returns the problems of the tables. A missing table is not a problem, because each version of
/// opencode lacks some; but 1.x always has messages and parts beside its sessions. The tables of 2.x are checked only in databases of 2.x.
pub(crate) fn problems(tables: &DatabaseTables, is_v2: bool) -> Vec<SchemaProblem> {
    let mut problems = Vec::new();
    if !is_v2 && tables.get(&SESSION).is_some() {
        let missing = [MESSAGE, PART].into_iter().filter(|table| tables.get(table).is_none());
        problems.extend(missing.map(|it| SchemaProblem::NoTable { table: it.name.to_owned() }));
    }
    for table in READ_TABLES.iter().filter(|table| is_v2 || !table.is_v2) {
        let Some(columns) = tables.get(table) else { continue };
        for column in table.required_columns() {
            let (table, name) = (table.name.to_owned(), column.name.to_owned());
            match columns.declared_type(column.name) {
                None => problems.push(SchemaProblem::Missing { table, column: name }),
                Some(declared) if !column.fits(declared) => {
                    let declared = declared.to_owned();
                    problems.push(SchemaProblem::Retyped { table, column: name, declared });
                }
                Some(_) => {}
            }
        }
    }
    problems
}
