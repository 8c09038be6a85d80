//! From a row of `session_message` to messages and parts as opencode 1.x has them
//! (`docs/format/opencode-v2.md`, section 7).
//!
//! A row is walked once (`walk`). Values are copied as they stand in its text, escapes and all; fields
//! that the model of 1.x has no place for come along under their own names.

mod assistant;
mod failure;
mod fields;
mod other;
mod settled;
mod sink;
mod tool;
mod user;
mod walk;

use scrollback_core_id::{ItemId, ItemKey, MessageId, MessageKey, OrderKey, SessionKey, Stamp};
use scrollback_stor_mmap::Settled;

use self::fields::{key, put};
pub(crate) use self::settled::is_settled;
use self::sink::Sink;
pub(crate) use self::sink::{Ending, Wanted};
use self::walk::{Bad, Walk};
use crate::ask::{Gathered, Row};
use crate::json::{splice_with, text};
use crate::v2::kind::{RowKind, Slot};
use crate::v2::rows::stamped;

/// A row, as it was selected.
#[derive(Debug)]
pub(crate) struct V2Row<'r> {
    pub(crate) id: MessageId,
    pub(crate) kind: RowKind,
    /// Its type, as the row has it.
    pub(crate) kind_name: &'r [u8],
    pub(crate) seq: i64,
    /// Where it stands in its session; not known where parts alone are asked for.
    pub(crate) order: OrderKey,
    /// When it last changed, in Unix milliseconds.
    pub(crate) updated: i64,
    /// That of its messages; [`V2Row::part_stamp`] is that of its parts.
    pub(crate) stamp: Stamp,
    pub(crate) settled: Settled,
    pub(crate) data: &'r [u8],
}

impl V2Row<'_> {
    /// The stamp of a part, which says where it stands in the row, and nothing of where the row does.
    fn part_stamp(&self, slot: Slot) -> Stamp {
        let place = slot.order().cast_unsigned().rotate_left(32);
        Stamp { inode: stamped(OrderKey(self.seq)) ^ place, ..self.stamp }
    }
}

/// What a row does not say of itself.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Place<'p> {
    /// What an answer at this place answers.
    pub(crate) parent: Option<&'p MessageId>,
    /// The directory that the session works in at this place, as JSON.
    pub(crate) cwd: Option<&'p str>,
}

impl Place<'_> {
    fn write_parent(&self, out: &mut Vec<u8>) {
        if let Some(parent) = self.parent {
            out.extend_from_slice(key!("parentID"));
            text(out, parent.as_bytes());
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        if let Some(cwd) = self.cwd {
            put(out, key!("path"), b"{\"cwd\":");
            out.extend_from_slice(cwd.as_bytes());
            out.push(b'}');
        }
    }
}

/// Puts what is wanted of a row where it belongs: messages each before its parts.
pub(crate) fn translate(
    row: &V2Row<'_>,
    of: &SessionKey,
    place: &Place<'_>,
    wanted: Wanted,
    ending: Ending,
    out: &mut Gathered,
) {
    let first = out.rows.len();
    let mut sink = Sink { out, of, row, wanted, ending };
    let mut walk = Walk::new(row.data);
    let is_object = row.data.trim_ascii_start().starts_with(b"{");
    let read = match row.kind {
        _ if !is_object => Err(Bad),
        RowKind::Assistant => assistant::read(&mut walk, place, &mut sink),
        RowKind::Shell => other::shell(&mut walk, place, &mut sink),
        RowKind::Compaction => other::compaction(&mut walk, place, &mut sink),
        RowKind::Item => Err(Bad),
        RowKind::User | RowKind::Synthetic | RowKind::System | RowKind::Skill => {
            user::read(&mut walk, &mut sink)
        }
    };
    if read.and_then(|()| walk.end()).is_err() {
        sink.out.rows.truncate(first);
        if wanted != Wanted::Parts {
            let key = MessageKey { session: of.session.clone(), message: row.id.clone() };
            sink.verbatim(key);
        }
    }
}

/// Puts a row that is no message: `{...data, id, type, sessionID}`.
pub(crate) fn item(row: &V2Row<'_>, of: &SessionKey, out: &mut Gathered) {
    let Ok(id) = ItemId::from_bytes(row.id.as_bytes()) else { return }; // it is an id
    let key = ItemKey { session: of.session.clone(), item: id };
    out.owners.set(of.session.as_bytes(), None);
    let owners = &out.owners;
    let untyped = untyped(row.data);
    let data = untyped.as_deref().unwrap_or(row.data);
    let piece = out.arena.append(row.stamp, row.settled, |bytes| {
        splice_with(bytes, data, row.kind_name, row.id.as_bytes(), owners);
    });
    out.rows.push(Row::new(key, row.order, Some(piece)));
}

/// Whether an object has a field; none if the text is no object.
pub(crate) fn has_field(text: &[u8], wanted: &[u8]) -> Option<bool> {
    let mut found = false;
    let mut walk = Walk::new(text);
    let is_object = walk.object(|walk, name| {
        found |= name == wanted;
        walk.raw().map(drop)
    });
    (is_object == Ok(true) && walk.end().is_ok()).then_some(found)
}

/// The fields of a row that has a type among them, without that: the column counts.
fn untyped(data: &[u8]) -> Option<Vec<u8>> {
    const TYPE: &[u8] = b"\"type\"";
    if !data.windows(TYPE.len()).any(|at| at == TYPE) {
        return None; // nearly always
    }
    let (mut fields, mut is_typed) = (vec![b'{'], false);
    let mut walk = Walk::new(data);
    let is_object = walk.object(|walk, name| {
        let value = walk.raw()?;
        if name == b"type" {
            is_typed = true;
            return Ok(());
        }
        if fields.len() > 1 {
            fields.push(b',');
        }
        for piece in [b"\"", name, b"\":", value] {
            fields.extend_from_slice(piece);
        }
        Ok(())
    });
    fields.push(b'}');
    (is_object == Ok(true) && walk.end().is_ok() && is_typed).then_some(fields)
}
