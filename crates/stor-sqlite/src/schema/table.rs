//! What we know of a table.

use super::column::Column;

/// A table of opencode's that is read.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// The columns that are read, in the order in which they are selected.
    pub(crate) columns: &'static [Column],
    /// Columns that we know and do not read.
    pub(crate) unread_columns: &'static [&'static str],
    /// Columns that hold secrets, and are never selected.
    pub(crate) secret_columns: &'static [&'static str],
    /// Whether it is of 2.x. Within 1.x its shape changed from version to version, and it is read
    /// only in its last one.
    pub(crate) is_v2: bool,
}

impl Table {
    pub(crate) const fn new(name: &'static str, columns: &'static [Column]) -> Self {
        Self { name, columns, unread_columns: &[], secret_columns: &[], is_v2: false }
    }

    pub(crate) const fn v2(name: &'static str, columns: &'static [Column]) -> Self {
        Self { is_v2: true, ..Self::new(name, columns) }
    }

    pub(crate) const fn with_unread(self, unread: &'static [&'static str]) -> Self {
        Self { unread_columns: unread, ..self }
    }

    pub(crate) const fn with_secrets(self, secret: &'static [&'static str]) -> Self {
        Self { secret_columns: secret, ..self }
    }

    /// The columns without which it cannot be read.
    pub(crate) fn required_columns(&self) -> impl Iterator<Item = &'static Column> {
        self.columns.iter().filter(|column| column.is_required)
    }

    pub(crate) fn knows_column(&self, column: &str) -> bool {
        self.columns.iter().any(|known| known.name == column)
            || self.unread_columns.iter().chain(self.secret_columns).any(|known| *known == column)
    }
}

/// Makes an enum of the columns of a table, by which their places in a row are known.
macro_rules! columns {
    ($(#[$doc:meta])* $name:ident { $($variant:ident: $column:expr,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[allow(dead_code, reason = "a column may be written and never asked for by its place")]
        pub(crate) enum $name { $($variant,)+ }

        #[allow(dead_code, reason = "as above")]
        impl $name {
            pub(crate) const ALL: &'static [$crate::schema::column::Column] = &[$($column,)+];

            /// The column's place in a row.
            pub(crate) const fn at(self) -> usize {
                self as usize
            }
        }
    };
}
pub(crate) use columns;
