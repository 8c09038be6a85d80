//! The order among siblings. The Source sets the order; the order of ids is not that of time, because the
//! clock of ids restarts.

/// The place of an entity among its siblings. The bytes of the id break ties.
///
/// Only keys of siblings may be compared. The Source chooses the unit:
///
/// * sessions and messages of opencode's JSON and 1.x stores: Unix milliseconds;
/// * parts of these stores: ticks of the id's clock;
/// * messages and items of 2.x: a sequence number (in the preview, time and number);
/// * parts of 2.x: their place in the row;
/// * logs: an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct OrderKey(pub i64);
