//! Where a row stands in its session, and what stamps say of it.

use rusqlite::Row as SqlRow;
use scrollback_core_id::OrderKey;
use scrollback_source::Observation;

use crate::cells::integer;
use crate::schema::v2::{V2Schema, row_column};

/// Where a row stands: by its number, and in the preview, whose sessions may have messages of 1.x
/// between them, by time first.
pub(crate) fn row_order(v2: &V2Schema, row: &SqlRow<'_>) -> rusqlite::Result<OrderKey> {
    let seq = integer(row, row_column::SEQ)?;
    Ok(match v2.is_preview {
        true => time_order(integer(row, row_column::LATEST_TIME)?, seq),
        false => OrderKey(seq),
    })
}

/// The order of a time in Unix milliseconds, and of the row of this number among those of one time.
pub(crate) fn time_order(time_ms: i64, seq: i64) -> OrderKey {
    const BITS: u32 = 20;
    let (most_time, most_seq) = ((1 << (63 - BITS)) - 1, (1 << BITS) - 1);
    OrderKey(time_ms.clamp(0, most_time) << BITS | seq.clamp(0, most_seq))
}

/// What the stamp of a row says of its order: never nothing, as those of 1.x do.
pub(crate) fn order_stamp(order: OrderKey) -> u64 {
    order.0.cast_unsigned().wrapping_add(1)
}

/// Tells the set of rows from one of messages that have the same ids, as migration leaves them.
pub(crate) fn mark_v2_set(set: Option<Observation>) -> Option<Observation> {
    set.map(|mut set| {
        set.stamp.inode ^= 1 << 63 | 2;
        set
    })
}
