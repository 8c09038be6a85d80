//! Reads the messages of a session of 1.x together with their parts.

use std::vec::IntoIter;

use scrollback_core_id::{EntityKey, MessageId, SessionKey};

use super::messages;
use crate::cells::{bytes, integer};
use crate::error::{Result, is_damage};
use crate::query_context::QueryContext;
use crate::query_output::{QueryOutput, Row};
use crate::schema::parts::{COUNT_OF_SESSION, COUNT_OF_SESSION_WITH_MESSAGE};
use crate::schema::tables::v1::PartColumn;
use crate::suspicion::Suspicion;
use crate::v1::parts::{part_by_id, part_names, part_row, sort_parts};

/// The initial size of the arena: enough for a session of a few dozen messages. The arena grows as
/// needed.
pub(crate) const INITIAL_CAPACITY: usize = 256 << 10;

/// Reads the messages of a session, each before its parts.
pub(crate) fn messages(
    context: &QueryContext<'_>,
    session: &SessionKey,
    out: &mut QueryOutput,
) -> Result<()> {
    let first = out.rows.len();
    messages::messages(context, session, out)?;
    let mut messages = out.rows.split_off(first).into_iter();
    let has_messages = context.schema.messages.is_some();
    let Some(parts) = context.schema.parts.as_ref().filter(|_| has_messages) else {
        out.rows.extend(messages);
        return Ok(());
    };
    let mut count = 0;
    let mut placer = MessagePlacer { next: messages.next(), messages, first_part: out.rows.len() };
    let result = context.for_each_row(&parts.by_session, [session.session.as_str()], |row| {
        let owner = bytes(row, PartColumn::Message.at())?;
        match placer.place_until(owner, out) {
            Some(message) => {
                count += 1;
                part_row(context, &message, row, out)
            }
            // Its message could not be read, which is an issue already, or an index has a wrong id.
            None => Ok(()),
        }
    });
    match result {
        Err(error) if is_damage(&error) => salvage(context, &mut placer, out)?,
        result => {
            result?;
            let compared = compare_with_index_of_sessions(context, session, count);
            // Damage below this index takes no message with it.
            out.note_damage(context, Some(session.clone().into()), compared)?;
        }
    }
    placer.finish(out);
    Ok(())
}

/// Compares the number of parts that were found through the messages of a session with the number in
/// the index of sessions. If they differ, an index may lack rows: the one of messages by session, the
/// one of parts by message, or the one of parts by session.
fn compare_with_index_of_sessions(
    context: &QueryContext<'_>,
    session: &SessionKey,
    count: i64,
) -> rusqlite::Result<()> {
    // A reverted session has parts without a message, so the second query decides.
    for sql in [COUNT_OF_SESSION, COUNT_OF_SESSION_WITH_MESSAGE] {
        let mut in_index = 0;
        context.for_each_row(sql, [session.session.as_str()], |row| {
            in_index = integer(row, 0)?;
            Ok(())
        })?;
        if in_index == count {
            return Ok(());
        }
    }
    context.suspicions.add(Suspicion::NumberOfParts);
    Ok(())
}

/// Merges messages with their parts. Both come in the order of the messages.
struct MessagePlacer {
    /// The next message to place.
    next: Option<Row>,
    messages: IntoIter<Row>,
    /// Where the parts of the last placed message begin.
    first_part: usize,
}

impl MessagePlacer {
    /// Places messages up to the message with this id, and returns its id. Places nothing and
    /// returns `None` if the message was not read.
    fn place_until(&mut self, owner: &[u8], out: &mut QueryOutput) -> Option<MessageId> {
        let is_owner = |row: &Row| message_of(row).is_some_and(|id| id.as_bytes() == owner);
        let last = self.first_part.checked_sub(1).map(|at| &out.rows[at]);
        if let Some(last) = last.filter(|last| is_owner(last)) {
            return message_of(last).cloned();
        }
        let is_ahead = self.next.iter().chain(self.messages.as_slice()).any(is_owner);
        while is_ahead && self.next.is_some() {
            let message = self.place(out);
            if message.as_ref().is_some_and(|id| id.as_bytes() == owner) {
                return message;
            }
        }
        None
    }

    /// Places the next message.
    fn place(&mut self, out: &mut QueryOutput) -> Option<MessageId> {
        sort_parts(&mut out.rows[self.first_part..]);
        let row = self.next.take()?;
        self.next = self.messages.next();
        let id = message_of(&row).cloned();
        out.rows.push(row);
        self.first_part = out.rows.len();
        id
    }

    fn finish(mut self, out: &mut QueryOutput) {
        while self.next.is_some() {
            self.place(out);
        }
        sort_parts(&mut out.rows[self.first_part..]);
    }
}

fn message_of(row: &Row) -> Option<&MessageId> {
    match &row.key {
        EntityKey::Message(key) => Some(&key.message),
        _ => None,
    }
}

/// Reads each part by its id, because pages of the table are damaged. The last placed message drops
/// its parts and gets them from the index like all later messages.
fn salvage(
    context: &QueryContext<'_>,
    placer: &mut MessagePlacer,
    out: &mut QueryOutput,
) -> Result<()> {
    out.rows.truncate(placer.first_part);
    let mut at = placer.first_part.checked_sub(1);
    loop {
        if let Some(EntityKey::Message(key)) = at.map(|at| out.rows[at].key.clone()) {
            let mut names = QueryOutput::default();
            part_names(context, &key, &mut names)?;
            out.issues.append(&mut names.issues);
            for row in names.rows {
                if let EntityKey::Part(part) = &row.key {
                    let result = part_by_id(context, part, out);
                    out.note_damage(context, Some(row.key.clone()), result)?;
                }
            }
        }
        if placer.next.is_none() {
            return Ok(());
        }
        placer.place(out);
        at = placer.first_part.checked_sub(1);
    }
}
