//! What queries select of the columns of a table.

use std::fmt;

use super::column::{Column, StampRole};
use super::database_tables::DatabaseColumns;

/// Which of two columns is to be looked up: SQLite uses no index for one with a plus.
pub(crate) const BY_ID_OR_OWNER: [[&str; 2]; 2] = [["", "+"], ["+", ""]];

/// The columns of a table as a query selects them, each at its place. Those that the database lacks
/// are selected as NULL.
#[derive(Debug, Clone)]
pub(crate) struct Select(Vec<String>);

impl Select {
    /// `cap` is the most bytes of a text that are selected. `of` stands before each name: empty, or
    /// the table's name in the query and a dot.
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

    /// Something else in the place of a column.
    pub(crate) fn replace(mut self, at: usize, term: impl Into<String>) -> Self {
        self.0[at] = term.into();
        self
    }

    /// Something else behind the columns.
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

/// The length of a text in the place of the text.
pub(crate) fn length(column: &str) -> String {
    format!("octet_length({column})")
}

/// A column, or its size if it is a text over the limit, of which only the head is looked at then.
fn capped_column(column: &str, cap: Option<u64>) -> String {
    let length = length(column);
    match cap {
        None => column.to_owned(),
        Some(cap) => format!("CASE WHEN {length} > {cap} THEN {length} ELSE {column} END"),
    }
}

/// The stamp of a row: when it last changed, how long its texts are, and the sum of its counts.
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

/// A cost in US dollars as a stamp counts it, as SQLite makes a whole number of it.
pub(crate) fn nano_dollars(cost: f64) -> i64 {
    (cost * 1e9) as i64
}
