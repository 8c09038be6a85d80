//! The row that is translated, and the context that the row does not store.

use scrollback_core_id::{MessageId, OrderKey, Stamp};
use scrollback_stor_mmap::Settled;

use super::fields::{key, put_field};
use crate::json::write_text;
use crate::schema::row_kind::RowKind;
use crate::v2::ids::Slot;
use crate::v2::order::order_stamp;

/// A row of `session_message`.
#[derive(Debug)]
pub(crate) struct V2Row<'r> {
    pub(crate) id: MessageId,
    pub(crate) kind: RowKind,
    /// The type in the row, verbatim.
    pub(crate) kind_name: &'r [u8],
    pub(crate) seq: i64,
    /// The order in the session. Unknown if only parts were selected.
    pub(crate) order: OrderKey,
    /// When the row last changed, in Unix milliseconds.
    pub(crate) updated: i64,
    /// The stamp of the row's messages. See [`V2Row::part_stamp`] for the parts.
    pub(crate) stamp: Stamp,
    pub(crate) settled: Settled,
    pub(crate) data: &'r [u8],
}

impl V2Row<'_> {
    /// Returns the stamp of a part. It depends on the place of the part in the row, and not on the
    /// place of the row in the session.
    pub(super) fn part_stamp(&self, slot: Slot) -> Stamp {
        let place = slot.order().cast_unsigned().rotate_left(32);
        Stamp { inode: order_stamp(OrderKey(self.seq)) ^ place, ..self.stamp }
    }
}

/// What a row does not store itself.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RowContext<'p> {
    /// The message that an answer at this place answers.
    pub(crate) parent: Option<&'p MessageId>,
    /// The directory of the session at this place, as JSON.
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
