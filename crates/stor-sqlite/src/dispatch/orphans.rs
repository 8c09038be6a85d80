//! Reads records without an owner: messages without a session, and parts without a message. Foreign
//! keys should prevent both. An orphan row of 2.x includes its parts.

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

/// Reads all records without an owner. Damaged pages become issues.
pub(crate) fn orphans(context: &QueryContext<'_>, out: &mut QueryOutput) -> Result<()> {
    let schema = context.schema;
    if let Some(messages) = &schema.messages {
        let session_column = MessageColumn::Session.at();
        let result = context.for_each_row(&messages.orphans, [], |row| {
            match out.session(context, row, session_column)? {
                Some(session) => message_row(context, &session, row, out),
                None => Ok(()),
            }
        });
        out.note_damage(context, None, result)?;
    }
    if let Some(parts) = &schema.parts {
        let message_column = PartColumn::Message.at();
        let result = context.for_each_row(&parts.orphans, [], |row| {
            match out.id(context, row, message_column, MessageId::from_bytes, || None)? {
                Some(message) => part_row(context, &message, row, out),
                None => Ok(()),
            }
        });
        out.note_damage(context, None, result)?;
    }
    if let Some(v2) = &schema.v2 {
        let result = context.for_each_row(&v2.orphans, [], |row| {
            let Some(session) = out.session(context, row, row_column::SESSION_OR_SEQUENCE)? else {
                return Ok(());
            };
            with_row(
                context,
                v2,
                &session,
                row,
                &Progress::without_directory(),
                out,
                |v2_row, out| {
                    put_selected(
                        v2_row,
                        &session,
                        RowSelection::EVERYTHING,
                        &Progress::without_directory(),
                        out,
                    );
                },
            )
        });
        out.note_damage(context, None, result)?;
    }
    Ok(())
}
