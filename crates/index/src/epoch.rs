//! Epochs: each build of an index has a random number, and knows the numbers of those it continues.

use std::hash::{BuildHasher, RandomState};

use scrollback_core_id::{Cursor, Epoch, Revision};

/// Checks whether a cursor is valid in a lineage: its epoch is listed, up to its revision or later.
pub(crate) fn lineage_contains(lineage: &[(Epoch, Revision)], cursor: &Cursor) -> bool {
    lineage.iter().any(|(epoch, upto)| *epoch == cursor.epoch && cursor.revision <= *upto)
}

/// Returns an unpredictable number, made from the random seed of the standard library's hash tables.
pub(crate) fn random_u64() -> u64 {
    RandomState::new().hash_one(0)
}
