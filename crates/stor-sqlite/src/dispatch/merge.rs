//! Merges messages of 1.x with rows of 2.x: within one session, or in a list of sessions.

use std::collections::HashMap;

use scrollback_core_id::{EntityKey, OrderKey};
use scrollback_source::Observation;

use crate::query_output::Row;
use crate::schema::v2::V2Schema;
use crate::v2::order::time_order;

/// Marks the stamp of a message of 1.x in a merged session, because its order there differs from
/// its order in 1.x.
const MERGED_ORDER_MARK: u64 = 1;

/// Gives a message of 1.x its order among rows of the preview, and marks its stamp.
pub(super) fn set_merged_order(row: &mut Row) {
    if let (EntityKey::Message(_), Some(piece)) = (&row.key, &mut row.piece) {
        row.order = time_order(row.order.0, 0);
        piece.stamp.inode = MERGED_ORDER_MARK;
    }
}

/// Marks the stamp of an observed message of 1.x in a merged session.
pub(super) fn mark_merged_order(observation: &mut Observation) {
    if let EntityKey::Message(_) = observation.key {
        observation.stamp.inode = MERGED_ORDER_MARK;
    }
}

/// Merges the set of messages of 1.x with the set of rows of 2.x.
pub(super) fn merge_sets(a: Option<Observation>, b: Option<Observation>) -> Option<Observation> {
    let (Some(mut a), Some(b)) = (a.clone(), b.clone()) else { return a.or(b) };
    a.stamp.size += b.stamp.size;
    a.stamp.mtime = a.stamp.mtime.max(b.stamp.mtime);
    a.stamp.inode = a.stamp.inode.wrapping_add(b.stamp.inode);
    Some(a)
}

/// Merges the sets of all sessions. For a session with sets in both lists, the preview merges them,
/// and 2.x keeps only the set of `rows`.
pub(super) fn merge_session_sets(
    v1: Vec<Observation>,
    rows: Vec<Observation>,
    v2: &V2Schema,
) -> Vec<Observation> {
    let mut all: HashMap<EntityKey, Observation> =
        v1.into_iter().map(|set| (set.key.clone(), set)).collect();
    for set in rows {
        // In 2.x the rows were migrated from the messages, so the set of messages is obsolete.
        let v1_set = all.remove(&set.key).filter(|_| v2.is_preview);
        let key = set.key.clone();
        all.extend(merge_sets(v1_set, Some(set)).map(|set| (key, set)));
    }
    let mut all: Vec<Observation> = all.into_values().collect();
    all.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    all
}

/// Sorts messages and items by their order. Each message keeps its parts behind it.
pub(super) fn sort_rows(rows: &mut Vec<Row>) {
    let own_order = |row: &Row| match &row.key {
        EntityKey::Part(_) => None,
        _ => Some(row.order),
    };
    if rows.iter().filter_map(own_order).is_sorted() {
        return; // nearly always sorted already
    }
    // A part sorts with the order of its message, which is the last row before it that is not a part.
    let mut order = OrderKey(i64::MIN);
    let mut ranked: Vec<(OrderKey, Row)> = Vec::with_capacity(rows.len());
    for row in rows.drain(..) {
        order = own_order(&row).unwrap_or(order);
        ranked.push((order, row));
    }
    // the sort is stable, so parts stay behind their message
    ranked.sort_by_key(|(order, _)| *order);
    rows.extend(ranked.into_iter().map(|(_, row)| row));
}
