//! Computes the order of a row in its session, and what the stamps say of the order.

use rusqlite::Row as SqlRow;
use scrollback_core_id::OrderKey;
use scrollback_source::Observation;

use crate::cells::integer;
use crate::schema::v2::{V2Schema, row_column};

/// Returns the order of a row: its number. A session of the preview may have messages of 1.x
/// between its rows, so there the time comes first.
pub(crate) fn row_order(v2: &V2Schema, row: &SqlRow<'_>) -> rusqlite::Result<OrderKey> {
    let seq = integer(row, row_column::SEQ)?;
    Ok(match v2.is_preview {
        true => time_order(integer(row, row_column::LATEST_TIME)?, seq),
        false => OrderKey(seq),
    })
}

/// Returns the order by time (Unix milliseconds) and then by the number of the row.
pub(crate) fn time_order(time_ms: i64, seq: i64) -> OrderKey {
    const BITS: u32 = 20;
    let (most_time, most_seq) = ((1 << (63 - BITS)) - 1, (1 << BITS) - 1);
    OrderKey(time_ms.clamp(0, most_time) << BITS | seq.clamp(0, most_seq))
}

/// Returns the extra number in the stamp of a row. It depends on the order and is never 0, which is
/// the number of records of 1.x.
pub(crate) fn order_stamp(order: OrderKey) -> u64 {
    order.0.cast_unsigned().wrapping_add(1)
}

/// Marks the set of rows. Migration keeps the ids of messages, so without the mark the set would
/// equal the set of messages of 1.x.
pub(crate) fn mark_v2_set(set: Option<Observation>) -> Option<Observation> {
    set.map(|mut set| {
        set.stamp.inode ^= 1 << 63 | 2;
        set
    })
}
