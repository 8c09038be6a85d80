//! The share link of a session.

use scrollback_core_id::{EntityKey, SessionKey};

use crate::fields;
use crate::json::Object;
use crate::query_context::QueryContext;
use crate::query_output::QueryOutput;
use crate::schema::tables::v1::ShareColumn;
use crate::values::Values;

/// The share link of a session. Its secret is not selected.
pub(crate) fn share(
    ask: &QueryContext<'_>,
    of: &SessionKey,
    out: &mut QueryOutput,
) -> rusqlite::Result<()> {
    let Some(sql) = &ask.schema.shares else { return Ok(()) };
    let key = EntityKey::Share(of.clone());
    ask.for_each_row(sql, [of.session.as_str()], |row| {
        let values = Values::read(ask, row, ShareColumn::ALL)?;
        let mut record = Vec::new();
        let mut share = Object::begin(&mut record);
        fields::write(&mut share, ShareColumn::ALL, &values.all);
        share.end();
        values.note_too_large(ask, &key, out);
        out.push_record(ask, key.clone(), &record, 0);
        Ok(())
    })
}
