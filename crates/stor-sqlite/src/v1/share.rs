//! The share link of a session.

use scrollback_core_id::{EntityKey, SessionKey};

use crate::ask::Ask;
use crate::fields;
use crate::gathered::Gathered;
use crate::json::Object;
use crate::schema::tables::v1::ShareColumn;
use crate::values::Values;

/// The share link of a session. Its secret is not selected.
pub(crate) fn share(ask: &Ask<'_>, of: &SessionKey, out: &mut Gathered) -> rusqlite::Result<()> {
    let Some(sql) = &ask.schema.shares else { return Ok(()) };
    let key = EntityKey::Share(of.clone());
    ask.each(sql, [of.session.as_str()], |row| {
        let values = Values::read(ask, row, ShareColumn::ALL)?;
        let mut record = Vec::new();
        let mut share = Object::begin(&mut record);
        fields::write(&mut share, ShareColumn::ALL, &values.all);
        share.end();
        values.note(ask, &key, out);
        out.push(ask, key.clone(), &record, 0);
        Ok(())
    })
}
