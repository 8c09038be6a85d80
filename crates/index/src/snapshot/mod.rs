//! Snapshots: the whole state of an index as flat bytes, used where they lie.
//!
//! `layout` says where everything is, `row` how numbers, ids and texts are written and read,
//! `table` how a row is found by its id; `encode` writes a snapshot; `decode` opens one, and `rows`
//! makes values of its rows. No
//! bytes make a reader panic: what does not fit reads as absent.

mod decode;
mod encode;
mod layout;
mod name_table;
mod provenances;
mod row;
mod rows;
mod table;

use scrollback_core_id::SourceId;
use xxhash_rust::xxh3::xxh3_64;

pub use decode::{Snapshot, SnapshotBytes, SnapshotError};
pub(crate) use encode::{Encoder, SnapshotInfo};

/// The name of the file that a store's snapshot is kept in: the hash of the store's id, which the
/// snapshot has whole.
pub fn snapshot_file_name(store: &SourceId) -> String {
    format!("{:016x}.snapshot", store_hash(store))
}

/// The hash of a store's id (XXH3-64), which names its snapshot.
pub fn store_hash(store: &SourceId) -> u64 {
    xxh3_64(store.as_bytes())
}
