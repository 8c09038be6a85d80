//! What belongs to nothing: rows that foreign keys should have kept from being there.

use scrollback_core_id::{MessageId, SessionId, SessionKey};

use crate::ask::{Ask, Gathered, id};
use crate::error::Result;
use crate::messages::message_row;
use crate::parts::part_row;

pub(crate) fn orphans(ask: &Ask<'_>, out: &mut Gathered) -> Result<()> {
    let schema = ask.schema;
    if schema.has_messages {
        let asked =
            ask.each(&schema.lost_messages, [], |row| match id(row, 4, SessionId::from_bytes)? {
                Ok(session) => message_row(ask, &SessionKey::from(session), row, out),
                Err(kind) => {
                    out.note(None, ask, kind);
                    Ok(())
                }
            });
        out.note_damage(ask, None, asked)?;
    }
    if schema.has_parts {
        let asked =
            ask.each(&schema.lost_parts, [], |row| match id(row, 4, MessageId::from_bytes)? {
                Ok(message) => part_row(ask, &message, row, out),
                Err(kind) => {
                    out.note(None, ask, kind);
                    Ok(())
                }
            });
        out.note_damage(ask, None, asked)?;
    }
    Ok(())
}
