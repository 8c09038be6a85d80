//! Builds the SELECT part of a query from the columns of a table.

use std::fmt;

use super::column::{Column, StampRole};
use super::database_tables::DatabaseColumns;

/// The prefixes of the id and of the owner in a pair of queries. SQLite does not use an index for a
/// column with a plus, so each query uses the index of the other column.
pub(crate) const BY_ID_OR_OWNER: [[&str; 2]; 2] = [["", "+"], ["+", ""]];

/// The selected terms of a query, at fixed places. A column that the database lacks is selected as
/// NULL.
#[derive(Debug, Clone)]
pub(crate) struct Select(Vec<String>);

impl Select {
    /// Selects columns. `cap` is the size limit of a text in bytes. `prefix` precedes each name: it
    /// is empty, or a table name with a dot.
    pub(crate) fn new(
        columns: &[Column],
        database_columns: &DatabaseColumns,
        cap: Option<u64>,
        prefix: &str,
    ) -> Self {
        let column = |column: &Column| match database_columns.has(column.name) {
            true => capped_column(&format!("{prefix}{}", column.name), cap),
            false => "NULL".to_owned(),
        };
        Self(columns.iter().map(column).collect())
    }

    /// Replaces the term at a place.
    pub(crate) fn replace(mut self, at: usize, term: impl Into<String>) -> Self {
        self.0[at] = term.into();
        self
    }

    /// Adds a term at the end.
    pub(crate) fn append(mut self, term: impl Into<String>) -> Self {
        self.0.push(term.into());
        self
    }
}

impl fmt::Display for Select {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SELECT {}", self.0.join(", "))
    }
}

/// Returns the term for the length of a text.
pub(crate) fn length(column: &str) -> String {
    format!("octet_length({column})")
}

/// Returns the term for a column, or for its size if the text is over the limit. SQLite then reads
/// only the head of the text.
fn capped_column(column: &str, cap: Option<u64>) -> String {
    let length = length(column);
    match cap {
        None => column.to_owned(),
        Some(cap) => format!("CASE WHEN {length} > {cap} THEN {length} ELSE {column} END"),
    }
}

/// Returns the terms of a stamp: the last change, the total length of the texts, and the sum of the
/// counts.
pub(crate) fn stamp_expression(columns: &[Column], database_columns: &DatabaseColumns) -> String {
    let terms = |roles: &[StampRole]| {
        let columns = columns.iter().filter(|column| roles.contains(&column.stamp_role));
        columns
            .filter(|column| database_columns.has(column.name))
            .map(stamp_term)
            .collect::<Vec<_>>()
    };
    let sum = |roles: &[StampRole]| match terms(roles) {
        none if none.is_empty() => "0".to_owned(),
        terms => terms.join(" + "),
    };
    let [time, lengths, counts] = [
        sum(&[StampRole::Time]),
        sum(&[StampRole::Length]),
        sum(&[StampRole::Count, StampRole::Cost]),
    ];
    format!("{time}, {lengths}, {counts}")
}

fn stamp_term(column: &Column) -> String {
    let name = column.name;
    match column.stamp_role {
        StampRole::Nothing | StampRole::Time => name.to_owned(),
        StampRole::Length => format!("ifnull({}, 0)", length(name)),
        StampRole::Count => format!("ifnull({name}, 0)"),
        StampRole::Cost => format!("CAST(ifnull({name}, 0) * 1e9 AS INTEGER)"),
    }
}

/// Converts a cost in US dollars to units of 10⁻⁹ dollars, with the same rounding as SQLite.
pub(crate) fn nano_dollars(cost: f64) -> i64 {
    (cost * 1e9) as i64
}
