//! Receives the records that are made from a row.

use scrollback_core_id::{EntityKey, MessageId, MessageKey, OrderKey, PartId, PartKey, SessionKey};

use super::fields::key;
use super::row::V2Row;
use crate::json::{Owners, write_text};
use crate::query_output::{QueryOutput, Row};
use crate::v2::ids::Slot;

/// Which records of a row are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordSelection {
    /// The messages without their parts.
    Messages,
    /// Only the parts.
    Parts,
    Everything,
}

/// Whether a record contains its ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IdPlacement {
    /// The ids are the last fields of the record.
    WithIds,
    /// The record is borrowed and has its ids beside it.
    Bare,
}

/// Adds the records of a row to the output.
pub(super) struct Sink<'s> {
    pub(super) out: &'s mut QueryOutput,
    pub(super) session: &'s SessionKey,
    pub(super) row: &'s V2Row<'s>,
    pub(super) selection: RecordSelection,
    pub(super) id_placement: IdPlacement,
}

/// The ids for records inside a part.
pub(super) struct AttachmentIds<'i> {
    pub(super) part: &'i PartId,
    owners: &'i Owners,
}

impl AttachmentIds<'_> {
    /// Ends a record with its id and its owners.
    pub(super) fn end(&self, id: &[u8], out: &mut Vec<u8>) {
        end_record(out, id, self.owners, IdPlacement::WithIds);
    }
}

impl Sink<'_> {
    /// Returns the number of records so far, as a mark.
    pub(super) fn position(&self) -> usize {
        self.out.rows.len()
    }

    pub(super) fn wants_parts(&self) -> bool {
        self.selection != RecordSelection::Messages
    }

    /// Inserts a message at a mark. `write` leaves the object open.
    pub(super) fn put_message(
        &mut self,
        at: usize,
        id: &MessageId,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        if self.selection == RecordSelection::Parts {
            return;
        }
        self.out.message_owners.set(self.session.session.as_bytes(), None);
        let V2Row { order, stamp, settled, .. } = *self.row;
        let (owners, id_placement) = (&self.out.message_owners, self.id_placement);
        let piece = self.out.arena.append(stamp, settled, |out| {
            write(out);
            end_record(out, id.as_bytes(), owners, id_placement);
        });
        let key = MessageKey { session: self.session.session.clone(), message: id.clone() };
        self.out.rows.insert(at, Row::new(key, order, Some(piece)));
    }

    /// Inserts a part of a message at a mark. `write` leaves the object open.
    pub(super) fn put_part_at(
        &mut self,
        at: usize,
        message: &MessageId,
        slot: Slot,
        write: impl FnOnce(&mut Vec<u8>, &AttachmentIds<'_>),
    ) {
        if !self.wants_parts() {
            return;
        }
        // The place keeps a valid id valid.
        let Ok(id) = slot.id(message) else { return };
        self.out.owners.set(self.session.session.as_bytes(), Some(message));
        let (stamp, settled) = (self.row.part_stamp(slot), self.row.settled);
        let (owners, id_placement) = (&self.out.owners, self.id_placement);
        let piece = self.out.arena.append(stamp, settled, |out| {
            write(out, &AttachmentIds { part: &id, owners });
            end_record(out, id.as_bytes(), owners, id_placement);
        });
        let key = PartKey { message: message.clone(), part: id };
        self.out.rows.insert(at, Row::new(key, OrderKey(slot.order()), Some(piece)));
    }

    /// Adds a part at the end.
    pub(super) fn put_part(
        &mut self,
        message: &MessageId,
        slot: Slot,
        write: impl FnOnce(&mut Vec<u8>, &AttachmentIds<'_>),
    ) {
        self.put_part_at(self.position(), message, slot, write);
    }

    /// Adds the text of a malformed list as a part. The parser of the part reports it.
    pub(super) fn put_unreadable_list(&mut self, message: &MessageId, slot: Slot, text: &[u8]) {
        let Ok(part) = slot.id(message) else { return };
        if text == b"null" || !self.wants_parts() {
            return;
        }
        let (stamp, settled) = (self.row.part_stamp(slot), self.row.settled);
        let piece = self.out.arena.append(stamp, settled, |bytes| bytes.extend_from_slice(text));
        let key = PartKey { message: message.clone(), part };
        self.out.rows.push(Row::new(key, OrderKey(slot.order()), Some(piece)));
    }

    /// Adds the text of a row that cannot be translated as a record. The parser of the record
    /// reports it.
    pub(super) fn put_verbatim(&mut self, key: impl Into<EntityKey>) {
        let V2Row { order, stamp, settled, data, .. } = *self.row;
        let piece = self.out.arena.append(stamp, settled, |bytes| bytes.extend_from_slice(data));
        self.out.rows.push(Row::new(key, order, Some(piece)));
    }
}

fn end_record(out: &mut Vec<u8>, id: &[u8], owners: &Owners, id_placement: IdPlacement) {
    if id_placement == IdPlacement::WithIds {
        out.extend_from_slice(key!("id"));
        write_text(out, id);
        out.extend_from_slice(owners.json());
    }
    out.push(b'}');
}
