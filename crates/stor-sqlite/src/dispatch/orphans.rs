//! What belongs to nothing: rows that foreign keys should have kept from being there. A row of 2.x
//! is its parts too.

use scrollback_core_id::MessageId;

use crate::error::Result;
use crate::query_context::QueryContext;
use crate::query_output::QueryOutput;
use crate::schema::tables::v1::{MessageColumn, PartColumn};
use crate::schema::v2::row_column;
use crate::v1::messages::message_row;
use crate::v1::parts::part_row;
use crate::v2::progress::Progress;
use crate::v2::rows::{RowSelection, put_selected, with_row};

pub(crate) fn orphans(ask: &QueryContext<'_>, out: &mut QueryOutput) -> Result<()> {
    let schema = ask.schema;
    if let Some(messages) = &schema.messages {
        let of = MessageColumn::Session.at();
        let asked =
            ask.for_each_row(&messages.orphans, [], |row| match out.session(ask, row, of)? {
                Some(of) => message_row(ask, &of, row, out),
                None => Ok(()),
            });
        out.note_damage(ask, None, asked)?;
    }
    if let Some(parts) = &schema.parts {
        let of = PartColumn::Message.at();
        let asked = ask.for_each_row(&parts.orphans, [], |row| {
            match out.id(ask, row, of, MessageId::from_bytes, || None)? {
                Some(message) => part_row(ask, &message, row, out),
                None => Ok(()),
            }
        });
        out.note_damage(ask, None, asked)?;
    }
    if let Some(v2) = &schema.v2 {
        let asked = ask.for_each_row(&v2.orphans, [], |row| {
            let Some(of) = out.session(ask, row, row_column::SESSION_OR_SEQUENCE)? else {
                return Ok(());
            };
            with_row(ask, v2, &of, row, &Progress::without_directory(), out, |read, out| {
                put_selected(
                    read,
                    &of,
                    RowSelection::EVERYTHING,
                    &Progress::without_directory(),
                    out,
                );
            })
        });
        out.note_damage(ask, None, asked)?;
    }
    Ok(())
}
