//! The messages of a session of 1.x with their parts.

use std::vec::IntoIter;

use scrollback_core_id::{EntityKey, MessageId, SessionKey};

use super::messages;
use crate::ask::Ask;
use crate::cells::bytes;
use crate::error::{Result, is_damage};
use crate::gathered::{Gathered, Row};
use crate::schema::tables::v1::PartColumn;
use crate::v1::parts::{one_part, part_names, part_row, put_in_order};

/// What a session of a few dozen messages takes; the arena grows from there.
pub(crate) const USUAL: usize = 256 << 10;

/// The messages of a session, each before its parts.
pub(crate) fn messages(ask: &Ask<'_>, of: &SessionKey, out: &mut Gathered) -> Result<()> {
    let first = out.rows.len();
    messages::messages(ask, of, out)?;
    let mut messages = out.rows.split_off(first).into_iter();
    let Some(parts) = ask.schema.parts.as_ref().filter(|_| messages.len() > 0) else {
        out.rows.extend(messages);
        return Ok(());
    };
    let mut placed = Placed { next: messages.next(), messages, first: out.rows.len() };
    let asked = ask.each(&parts.of_session, [of.session.as_str()], |row| {
        let owner = bytes(row, PartColumn::Message.at())?;
        match placed.reach(owner, out) {
            Some(message) => part_row(ask, &message, row, out),
            None => Ok(()), // its message was not read, which is an issue already
        }
    });
    match asked {
        Err(error) if is_damage(&error) => salvage(ask, &mut placed, out)?,
        asked => asked?,
    }
    placed.finish(out);
    Ok(())
}

/// Puts each message before its parts: both come in the same order.
struct Placed {
    /// The message that comes next.
    next: Option<Row>,
    messages: IntoIter<Row>,
    /// Where the parts of the message begin that was placed last.
    first: usize,
}

impl Placed {
    /// Places messages up to the one with this id, unless it was not read.
    fn reach(&mut self, owner: &[u8], out: &mut Gathered) -> Option<MessageId> {
        let is_owner = |row: &Row| message_of(row).is_some_and(|id| id.as_bytes() == owner);
        let last = self.first.checked_sub(1).map(|at| &out.rows[at]);
        if let Some(last) = last.filter(|last| is_owner(last)) {
            return message_of(last).cloned();
        }
        let is_ahead = self.next.iter().chain(self.messages.as_slice()).any(is_owner);
        while is_ahead && self.next.is_some() {
            let placed = self.place(out);
            if placed.as_ref().is_some_and(|id| id.as_bytes() == owner) {
                return placed;
            }
        }
        None
    }

    /// Places the next message.
    fn place(&mut self, out: &mut Gathered) -> Option<MessageId> {
        put_in_order(&mut out.rows[self.first..]);
        let row = self.next.take()?;
        self.next = self.messages.next();
        let id = message_of(&row).cloned();
        out.rows.push(row);
        self.first = out.rows.len();
        id
    }

    fn finish(mut self, out: &mut Gathered) {
        while self.next.is_some() {
            self.place(out);
        }
        put_in_order(&mut out.rows[self.first..]);
    }
}

fn message_of(row: &Row) -> Option<&MessageId> {
    match &row.key {
        EntityKey::Message(key) => Some(&key.message),
        _ => None,
    }
}

/// Pages of the parts are damaged: each part by itself, as the index has them. The message that was
/// reached loses the parts that it has, and gets them again.
fn salvage(ask: &Ask<'_>, placed: &mut Placed, out: &mut Gathered) -> Result<()> {
    out.rows.truncate(placed.first);
    let mut at = placed.first.checked_sub(1);
    loop {
        if let Some(EntityKey::Message(key)) = at.map(|at| out.rows[at].key.clone()) {
            let mut names = Gathered::default();
            part_names(ask, &key, &mut names)?;
            out.issues.append(&mut names.issues);
            for row in names.rows {
                if let EntityKey::Part(part) = &row.key {
                    let asked = one_part(ask, part, out);
                    out.note_damage(ask, Some(row.key.clone()), asked)?;
                }
            }
        }
        if placed.next.is_none() {
            return Ok(());
        }
        placed.place(out);
        at = placed.first.checked_sub(1);
    }
}
