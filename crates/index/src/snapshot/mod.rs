//! Snapshots: the whole state of an index as flat bytes, used where they lie.
//!
//! `layout` says where everything is, `row` how numbers, ids and texts are written and read,
//! `table` how a row is found by its id; `encode` writes a snapshot and `decode` reads one. No
//! bytes make a reader panic: what does not fit reads as absent.

mod decode;
mod encode;
mod layout;
mod row;
mod table;

pub use decode::{Snapshot, SnapshotBytes, SnapshotError};
pub(crate) use encode::{About, Encoder};
