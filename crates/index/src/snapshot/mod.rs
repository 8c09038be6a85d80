//! Snapshots: the whole state of an index as flat bytes, which are used in place.
//!
//! `layout` defines the offsets, `row` reads and writes numbers, ids and texts, and `table` finds a row
//! by its id. `encode` writes a snapshot, `decode` opens it, and `rows` decodes its rows.
//! `copy_mark` changes a new snapshot. No input bytes
//! make a reader panic: a value that does not fit reads as absent.

mod copy_mark;
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

/// Returns the file name of a store's snapshot, made from the hash of the store's id. The snapshot
/// itself holds the whole id.
pub fn snapshot_file_name(store: &SourceId) -> String {
    format!("{:016x}.snapshot", store_hash(store))
}

/// Returns the hash of a store's id (XXH3-64), which names the store's snapshot.
pub fn store_hash(store: &SourceId) -> u64 {
    xxh3_64(store.as_bytes())
}
