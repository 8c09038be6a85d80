//! Reads the share link of a session.

use scrollback_core_id::{EntityKey, SessionKey};

use crate::fields;
use crate::json::Object;
use crate::query_context::QueryContext;
use crate::query_output::QueryOutput;
use crate::schema::tables::v1::ShareColumn;
use crate::values::Values;

/// Reads the share link of a session. The query does not select its secret.
pub(crate) fn share(
    context: &QueryContext<'_>,
    session: &SessionKey,
    out: &mut QueryOutput,
) -> rusqlite::Result<()> {
    let Some(sql) = &context.schema.shares else { return Ok(()) };
    let key = EntityKey::Share(session.clone());
    context.for_each_row(sql, [session.session.as_str()], |row| {
        let values = Values::read(context, row, ShareColumn::ALL)?;
        let mut record = Vec::new();
        let mut share = Object::begin(&mut record);
        fields::write(&mut share, ShareColumn::ALL, &values.all);
        share.end();
        values.note_oversized(context, &key, out);
        out.push_record(context, key.clone(), &record, 0);
        Ok(())
    })
}
