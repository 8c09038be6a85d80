//! What belongs to nothing: rows that foreign keys should have kept from being there. A row of 2.x
//! is its parts too.

use scrollback_core_id::{MessageId, SessionId, SessionKey};

use crate::ask::{Ask, Gathered, id};
use crate::error::Result;
use crate::messages::message_row;
use crate::parts::part_row;
use crate::v2::place::Progress;
use crate::v2::rows::{Of, put, with_row};
use crate::v2::schema::column;

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
    if let Some(v2) = &schema.v2 {
        let asked =
            ask.each(&v2.lost, [], |row| match id(row, column::MORE, SessionId::from_bytes)? {
                Ok(session) => {
                    let of = SessionKey::from(session);
                    with_row(ask, v2, &of, row, &Progress::nowhere(), out, |read, out| {
                        let what = Of::EVERYTHING;
                        put(read, &of, what, &Progress::nowhere(), out);
                    })
                }
                Err(kind) => {
                    out.note(None, ask, kind);
                    Ok(())
                }
            });
        out.note_damage(ask, None, asked)?;
    }
    Ok(())
}
