//! The order among siblings, given by the Source: never the plain id, because ids wrap.

use crate::{IdClock, PartId};

/// Where an entity stands among its siblings. Ties are broken by the bytes of the id.
///
/// The unit is the Source's own: Unix milliseconds for sessions and messages of opencode's JSON
/// and 1.x stores, ticks of the id's clock for parts, in 2.x their place in the row; a number for
/// messages and items of 2.x (in the preview time and number); an offset for logs. Only keys of siblings may be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct OrderKey(pub i64);

/// Gives the parts of one message their order: the clock of the id in circular order, so that a
/// message whose parts straddle a wrap of the clock stays in order. Ids without a clock come last.
pub fn circular_orders<'a>(ids: impl Iterator<Item = &'a PartId>) -> Vec<OrderKey> {
    let ids: Vec<(&PartId, Option<IdClock>)> = ids.map(|id| (id, id.clock())).collect();
    // Any sibling serves as the origin, as they are made within 397 days; the least is the same
    // one whatever order the directory gave.
    let origin = ids.iter().filter_map(|(id, clock)| Some((*id, (*clock)?)));
    let origin = origin.min_by_key(|(id, _)| *id).map(|(_, clock)| clock);
    let order = |(_, clock): &(&PartId, Option<IdClock>)| match (clock, origin) {
        (Some(clock), Some(origin)) => OrderKey(clock.ticks_after(origin)),
        _ => OrderKey(i64::MAX),
    };
    ids.iter().map(order).collect()
}
