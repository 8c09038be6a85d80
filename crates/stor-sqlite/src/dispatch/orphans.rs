//! Reads records without an owner: messages without a session, and parts without a message. Foreign
//! keys should prevent both. An orphan row of 2.x includes its parts.

use scrollback_core_id::{EntityKey, MessageId, OrderKey};

use crate::error::Result;
use crate::query_context::QueryContext;
use crate::query_output::{QueryOutput, Row};
use crate::schema::tables::v1::{MESSAGE, MessageColumn, PartColumn};
use crate::schema::v2::row_column;
use crate::suspicion::Suspicion;
use crate::v1::messages::message_row;
use crate::v1::parts::part_row;
use crate::v2::progress::Progress;
use crate::v2::rows::{RowSelection, put_selected, with_row};

/// Reads all records without an owner. Damaged pages become issues.
pub(crate) fn orphans(context: &QueryContext<'_>, out: &mut QueryOutput) -> Result<()> {
    let schema = context.schema;
    // An owner that is missing in an index makes an orphan of a sound record.
    context.suspicions.add(Suspicion::NoMessages);
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
    // A table of messages that cannot be read may have the owners.
    let may_have_owners = schema.problems.iter().any(|problem| problem.hides_table(MESSAGE.name));
    if let (Some(parts), false) = (&schema.parts, may_have_owners) {
        let rows_before = out.rows.len();
        let message_column = PartColumn::Message.at();
        let result = context.for_each_row(&parts.orphans, [], |row| {
            match out.id(context, row, message_column, MessageId::from_bytes, || None)? {
                Some(message) => part_row(context, &message, row, out),
                None => Ok(()),
            }
        });
        out.note_damage(context, None, result)?;
        if out.rows.len() > rows_before {
            context.suspicions.add(Suspicion::NumberOfParts);
        }
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

/// Lists the sessions that have a todo list. The problems of the schema and of indexes become issues,
/// because the list is read together with the orphans.
pub(crate) fn todo_lists(context: &QueryContext<'_>, out: &mut QueryOutput) -> Result<()> {
    out.note_problems(context);
    if context.schema.todos.is_none() {
        return Ok(());
    }
    let result = context.for_each_row("SELECT DISTINCT session_id FROM todo", [], |row| {
        if let Some(session) = out.session(context, row, 0)? {
            let name = Row::new(EntityKey::Todo(session), OrderKey::default(), None);
            out.rows.push(name);
        }
        Ok(())
    });
    Ok(out.note_damage(context, None, result)?)
}
