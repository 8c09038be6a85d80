//! What is wrong with the schema of a database.

use std::fmt;

use super::database_tables::DatabaseTables;
use super::tables::READ_TABLES;

/// A column that is needed and missing, or of another type than we expect.
///
/// A table that lacks one is not read. A column of another type is read as far as its values are what
/// is expected.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SchemaProblem {
    /// The table has no such column. It may have another name: [`SchemaReport`](crate::SchemaReport)
    /// lists those that are not known.
    Missing {
        /// The table's name.
        table: String,
        /// The column's name.
        column: String,
    },
    /// The column was declared with a type that does not fit.
    Retyped {
        /// The table's name.
        table: String,
        /// The column's name.
        column: String,
        /// The type that it was declared with.
        declared: String,
    },
}

impl fmt::Display for SchemaProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { table, column } => {
                write!(f, "the table {table} has no column {column}, and is not read")
            }
            Self::Retyped { table, column, declared } => {
                write!(f, "the column {column} of the table {table} is of the type {declared}")
            }
        }
    }
}

/// What is wrong with the tables that are there. A table that is missing is no problem, as each
/// version of opencode lacks some; nor is one of 2.x within 1.x.
pub(crate) fn problems(tables: &DatabaseTables, is_v2: bool) -> Vec<SchemaProblem> {
    let mut problems = Vec::new();
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
