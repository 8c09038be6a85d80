//! A row as it was selected, and what it does not say of itself.

use scrollback_core_id::{MessageId, OrderKey, Stamp};
use scrollback_stor_mmap::Settled;

use super::fields::{key, put_field};
use crate::json::write_text;
use crate::schema::row_kind::RowKind;
use crate::v2::ids::Slot;
use crate::v2::order::order_stamp;

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
    pub(super) fn part_stamp(&self, slot: Slot) -> Stamp {
        let place = slot.order().cast_unsigned().rotate_left(32);
        Stamp { inode: order_stamp(OrderKey(self.seq)) ^ place, ..self.stamp }
    }
}

/// What a row does not say of itself.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RowContext<'p> {
    /// What an answer at this place answers.
    pub(crate) parent: Option<&'p MessageId>,
    /// The directory that the session works in at this place, as JSON.
    pub(crate) cwd: Option<&'p str>,
}

impl RowContext<'_> {
    pub(super) fn write_parent(&self, out: &mut Vec<u8>) {
        if let Some(parent) = self.parent {
            out.extend_from_slice(key!("parentID"));
            write_text(out, parent.as_bytes());
        }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        if let Some(cwd) = self.cwd {
            put_field(out, key!("path"), b"{\"cwd\":");
            out.extend_from_slice(cwd.as_bytes());
            out.push(b'}');
        }
    }
}
