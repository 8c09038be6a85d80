//! Epochs: each index has a number of its own, and the numbers of those that it continues.

use std::hash::{BuildHasher, RandomState};

use scrollback_core_id::{Cursor, Epoch, Revision};

/// Whether one of these epochs, each known up to some state, has the state of a cursor.
pub(crate) fn lineage_contains(lineage: &[(Epoch, Revision)], cursor: &Cursor) -> bool {
    lineage.iter().any(|(epoch, upto)| *epoch == cursor.epoch && cursor.revision <= *upto)
}

/// A number that nobody can foresee, from the seed of the standard library's hash tables.
pub(crate) fn random_u64() -> u64 {
    RandomState::new().hash_one(0)
}
