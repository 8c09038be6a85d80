//! The order among siblings, given by the Source: never the plain id, because ids wrap.

/// Where an entity stands among its siblings. Ties are broken by the bytes of the id.
///
/// The unit is the Source's own: Unix milliseconds for sessions and messages of opencode's JSON
/// and 1.x stores, ticks of the id's clock for parts, in 2.x their place in the row; a number for
/// messages and items of 2.x (in the preview time and number); an offset for logs. Only keys of siblings may be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct OrderKey(pub i64);
