//! The share link of a session.

use rusqlite::params;
use rusqlite::types::ValueRef;
use scrollback_core_id::{EntityKey, SessionKey};

use crate::ask::Ask;
use crate::gathered::Gathered;
use crate::json::Object;

/// The share link of a session. Its secret is not selected.
pub(crate) fn share(ask: &Ask<'_>, of: &SessionKey, out: &mut Gathered) -> rusqlite::Result<()> {
    const SHARE: &str = "SELECT id, url FROM session_share WHERE session_id = ?1";
    if !ask.schema.has_shares {
        return Ok(());
    }
    ask.each(SHARE, params![of.session.as_str()], |row| {
        let mut record = Vec::new();
        let (id, url): (ValueRef<'_>, ValueRef<'_>) = (row.get_ref(0)?, row.get_ref(1)?);
        let mut share = Object::begin(&mut record);
        share.value("id", id).value("url", url);
        share.end();
        out.push(ask, EntityKey::Share(of.clone()), &record, 0);
        Ok(())
    })
}
