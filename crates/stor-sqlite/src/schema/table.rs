//! Describes a table.

use super::column::Column;

/// A known table that is read.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// The columns that are read, in the order of selection.
    pub(crate) columns: &'static [Column],
    /// Known columns that are not read.
    pub(crate) unread_columns: &'static [&'static str],
    /// The columns that identify a row.
    pub(crate) key: &'static [&'static str],
    /// Columns with secrets. They are never selected.
    pub(crate) secret_columns: &'static [&'static str],
    /// Whether the table belongs to 2.x. Its shape changed between versions of 1.x, and only the
    /// last shape is read.
    pub(crate) is_v2: bool,
}

impl Table {
    pub(crate) const fn new(name: &'static str, columns: &'static [Column]) -> Self {
        let key = &["id"];
        Self { name, columns, unread_columns: &[], key, secret_columns: &[], is_v2: false }
    }

    pub(crate) const fn v2(name: &'static str, columns: &'static [Column]) -> Self {
        Self { is_v2: true, ..Self::new(name, columns) }
    }

    pub(crate) const fn with_unread(self, unread: &'static [&'static str]) -> Self {
        Self { unread_columns: unread, ..self }
    }

    pub(crate) const fn with_key(self, key: &'static [&'static str]) -> Self {
        Self { key, ..self }
    }

    pub(crate) const fn with_secrets(self, secret: &'static [&'static str]) -> Self {
        Self { secret_columns: secret, ..self }
    }

    /// Returns the columns that the table must have.
    pub(crate) fn required_columns(&self) -> impl Iterator<Item = &'static Column> {
        self.columns.iter().filter(|column| column.is_required)
    }

    pub(crate) fn knows_column(&self, column: &str) -> bool {
        self.columns.iter().any(|candidate| candidate.name == column)
            || self.unread_columns.iter().chain(self.secret_columns).any(|name| *name == column)
    }
}

/// Defines an enum of the columns of a table, which gives each column its place in a row.
macro_rules! columns {
    ($(#[$doc:meta])* $name:ident { $($variant:ident: $column:expr,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[allow(dead_code, reason = "some columns are never read by their place")]
        pub(crate) enum $name { $($variant,)+ }

        #[allow(dead_code, reason = "as above")]
        impl $name {
            pub(crate) const ALL: &'static [$crate::schema::column::Column] = &[$($column,)+];

            /// Returns the place of the column in a row.
            pub(crate) const fn at(self) -> usize {
                self as usize
            }
        }
    };
}
pub(crate) use columns;
