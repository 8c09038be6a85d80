//! What belongs to nothing: rows that foreign keys should have kept from being there. A row of 2.x
//! is its parts too.

use scrollback_core_id::MessageId;

use crate::ask::Ask;
use crate::error::Result;
use crate::gathered::Gathered;
use crate::schema::tables::v1::{MessageColumn, PartColumn};
use crate::schema::v2::column;
use crate::v1::messages::message_row;
use crate::v1::parts::part_row;
use crate::v2::place::Progress;
use crate::v2::rows::{Of, put, with_row};

pub(crate) fn orphans(ask: &Ask<'_>, out: &mut Gathered) -> Result<()> {
    let schema = ask.schema;
    if let Some(messages) = &schema.messages {
        let of = MessageColumn::Session.at();
        let asked = ask.each(&messages.lost, [], |row| match out.session(ask, row, of)? {
            Some(of) => message_row(ask, &of, row, out),
            None => Ok(()),
        });
        out.note_damage(ask, None, asked)?;
    }
    if let Some(parts) = &schema.parts {
        let of = PartColumn::Message.at();
        let asked = ask.each(&parts.lost, [], |row| {
            match out.id(ask, row, of, MessageId::from_bytes, || None)? {
                Some(message) => part_row(ask, &message, row, out),
                None => Ok(()),
            }
        });
        out.note_damage(ask, None, asked)?;
    }
    if let Some(v2) = &schema.v2 {
        let asked = ask.each(&v2.lost, [], |row| {
            let Some(of) = out.session(ask, row, column::MORE)? else { return Ok(()) };
            with_row(ask, v2, &of, row, &Progress::nowhere(), out, |read, out| {
                put(read, &of, Of::EVERYTHING, &Progress::nowhere(), out);
            })
        });
        out.note_damage(ask, None, asked)?;
    }
    Ok(())
}
