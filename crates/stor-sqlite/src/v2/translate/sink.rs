//! Where records go that are made from a row.

use scrollback_core_id::{EntityKey, MessageId, MessageKey, OrderKey, PartId, PartKey, SessionKey};

use super::fields::key;
use super::row::V2Row;
use crate::gathered::{Gathered, Row};
use crate::json::{Owners, text};
use crate::v2::ids::Slot;

/// What is wanted of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Its messages, without their parts.
    Messages,
    /// Their parts alone.
    Parts,
    Everything,
}

/// Whether a record holds its ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// At its end, as everywhere.
    WithIds,
    /// It is lent, and its ids beside it.
    Bare,
}

/// Takes the records that a row becomes.
pub(super) struct Sink<'s> {
    pub(super) out: &'s mut Gathered,
    pub(super) of: &'s SessionKey,
    pub(super) row: &'s V2Row<'s>,
    pub(super) wanted: Wanted,
    pub(super) ending: Ending,
}

/// What the records within a part are named after.
pub(super) struct Ids<'i> {
    pub(super) part: &'i PartId,
    owners: &'i Owners,
}

impl Ids<'_> {
    /// Ends a record with its id and what it belongs to.
    pub(super) fn end(&self, id: &[u8], out: &mut Vec<u8>) {
        end(out, id, self.owners, Ending::WithIds);
    }
}

impl Sink<'_> {
    /// How many records there are by now.
    pub(super) fn mark(&self) -> usize {
        self.out.rows.len()
    }

    pub(super) fn wants_parts(&self) -> bool {
        self.wanted != Wanted::Messages
    }

    /// Puts a message at a mark, before what came since. `write` leaves the object open.
    pub(super) fn message(&mut self, at: usize, id: &MessageId, write: impl FnOnce(&mut Vec<u8>)) {
        if self.wanted == Wanted::Parts {
            return;
        }
        self.out.message_owners.set(self.of.session.as_bytes(), None);
        let V2Row { order, stamp, settled, .. } = *self.row;
        let (owners, ending) = (&self.out.message_owners, self.ending);
        let piece = self.out.arena.append(stamp, settled, |out| {
            write(out);
            end(out, id.as_bytes(), owners, ending);
        });
        let key = MessageKey { session: self.of.session.clone(), message: id.clone() };
        self.out.rows.insert(at, Row::new(key, order, Some(piece)));
    }

    /// Puts a part of a message at a mark. `write` leaves the object open.
    pub(super) fn part_at(
        &mut self,
        at: usize,
        message: &MessageId,
        slot: Slot,
        write: impl FnOnce(&mut Vec<u8>, &Ids<'_>),
    ) {
        if !self.wants_parts() {
            return;
        }
        // An id that can be read makes one that can be read.
        let Ok(id) = slot.id(message) else { return };
        self.out.owners.set(self.of.session.as_bytes(), Some(message));
        let (stamp, settled) = (self.row.part_stamp(slot), self.row.settled);
        let (owners, ending) = (&self.out.owners, self.ending);
        let piece = self.out.arena.append(stamp, settled, |out| {
            write(out, &Ids { part: &id, owners });
            end(out, id.as_bytes(), owners, ending);
        });
        let key = PartKey { message: message.clone(), part: id };
        self.out.rows.insert(at, Row::new(key, OrderKey(slot.order()), Some(piece)));
    }

    /// Puts a part after all that is there.
    pub(super) fn part(
        &mut self,
        message: &MessageId,
        slot: Slot,
        write: impl FnOnce(&mut Vec<u8>, &Ids<'_>),
    ) {
        self.part_at(self.mark(), message, slot, write);
    }

    /// Puts what should be a list, and is none, as a part: whoever parses that says what is wrong.
    pub(super) fn left(&mut self, message: &MessageId, slot: Slot, text: &[u8]) {
        let Ok(part) = slot.id(message) else { return };
        if text == b"null" || !self.wants_parts() {
            return;
        }
        let (stamp, settled) = (self.row.part_stamp(slot), self.row.settled);
        let piece = self.out.arena.append(stamp, settled, |bytes| bytes.extend_from_slice(text));
        let key = PartKey { message: message.clone(), part };
        self.out.rows.push(Row::new(key, OrderKey(slot.order()), Some(piece)));
    }

    /// Puts a record as it stands in the row, because it cannot be read: whoever parses it says
    /// what is wrong.
    pub(super) fn verbatim(&mut self, key: impl Into<EntityKey>) {
        let V2Row { order, stamp, settled, data, .. } = *self.row;
        let piece = self.out.arena.append(stamp, settled, |bytes| bytes.extend_from_slice(data));
        self.out.rows.push(Row::new(key, order, Some(piece)));
    }
}

fn end(out: &mut Vec<u8>, id: &[u8], owners: &Owners, ending: Ending) {
    if ending == Ending::WithIds {
        out.extend_from_slice(key!("id"));
        text(out, id);
        out.extend_from_slice(owners.json());
    }
    out.push(b'}');
}
