//! The columns of a row, less the texts that are too large.

use rusqlite::Row as SqlRow;
use rusqlite::types::ValueRef;
use scrollback_core_err::IssueKind;
use scrollback_core_id::EntityKey;

use crate::ask::Ask;
use crate::gathered::Gathered;
use crate::record::too_large;
use crate::schema::columns::SessionColumn;

/// The columns of a row, less the texts that are too large.
pub(crate) struct Columns<'r> {
    ask: &'r Ask<'r>,
    row: &'r SqlRow<'r>,
    names: &'static [&'static str],
    too_large: Vec<(&'static str, u64)>,
}

impl<'r> Columns<'r> {
    pub(crate) fn new(
        ask: &'r Ask<'r>,
        row: &'r SqlRow<'r>,
        names: &'static [&'static str],
    ) -> Self {
        Self { ask, row, names, too_large: Vec::new() }
    }

    pub(crate) fn number(&self, at: usize) -> rusqlite::Result<ValueRef<'r>> {
        self.row.get_ref(at)
    }

    pub(crate) fn text(&mut self, at: usize) -> rusqlite::Result<ValueRef<'r>> {
        let value = self.row.get_ref(at)?;
        let Some(size) = too_large(self.ask, value) else { return Ok(value) };
        self.too_large.push((self.names[at], size));
        Ok(ValueRef::Null)
    }

    /// What a session counts of tokens, as [`tokens`] writes it.
    pub(crate) fn counts(&self) -> rusqlite::Result<[ValueRef<'r>; 5]> {
        use SessionColumn as C;
        let mut counts = [ValueRef::Null; 5];
        let columns = [C::Input, C::Output, C::Reasoning, C::CacheRead, C::CacheWrite];
        for (count, column) in counts.iter_mut().zip(columns) {
            *count = self.number(column.at())?;
        }
        Ok(counts)
    }

    pub(crate) fn note(self, key: &EntityKey, out: &mut Gathered) {
        for (column, size) in self.too_large {
            let mut issue = self.ask.issue(IssueKind::TooLarge { size, limit: self.ask.max_len() });
            issue.place.field = Some(column.to_owned());
            out.issues.push((Some(key.clone()), issue));
        }
    }
}
pub(crate) fn is_there(value: &ValueRef<'_>) -> bool {
    !matches!(value, ValueRef::Null | ValueRef::Text(b""))
}
