//! Reads the values of a row without texts over the size limit.

use rusqlite::Row as SqlRow;
use rusqlite::types::ValueRef;
use scrollback_core_err::IssueKind;
use scrollback_core_id::EntityKey;

use crate::query_context::QueryContext;
use crate::query_output::QueryOutput;
use crate::record::size_if_oversized;
use crate::schema::column::{Column, ValueType};

/// The values of a row in the order of the table's columns. A text over the size limit is NULL.
pub(crate) struct Values<'r> {
    pub(crate) all: Vec<ValueRef<'r>>,
    pub(crate) oversized: Vec<(&'static Column, u64)>,
}

impl<'r> Values<'r> {
    pub(crate) fn read(
        context: &QueryContext<'_>,
        row: &'r SqlRow<'_>,
        columns: &'static [Column],
    ) -> rusqlite::Result<Self> {
        let mut values = Self { all: Vec::with_capacity(columns.len()), oversized: Vec::new() };
        for (at, column) in columns.iter().enumerate() {
            let value = row.get_ref(at)?;
            let size = match column.value_type {
                ValueType::Text | ValueType::Json => size_if_oversized(context, value),
                ValueType::Integer | ValueType::Real => None,
            };
            values.oversized.extend(size.map(|size| (column, size)));
            values.all.push(if size.is_some() { ValueRef::Null } else { value });
        }
        Ok(values)
    }

    /// Notes each text over the size limit as an issue of the entity.
    pub(crate) fn note_oversized(
        &self,
        context: &QueryContext<'_>,
        key: &EntityKey,
        out: &mut QueryOutput,
    ) {
        for (column, size) in &self.oversized {
            let kind = IssueKind::TooLarge { size: *size, limit: context.max_len() };
            let mut issue = context.issue(kind);
            issue.place.field = Some(column.name.to_owned());
            out.issues.push((Some(key.clone()), issue));
        }
    }
}
