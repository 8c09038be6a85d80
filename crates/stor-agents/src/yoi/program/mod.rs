//! yoi's own read operations, under their own names and with their quirks. They return what the
//! program itself would load, which is less than the complete reading of [`Yoi`](super::Yoi): one
//! record that the program cannot parse makes the whole segment fail.
//!
//! The two versions of the program accept different records, so each store has a
//! [`Version`](crate::Version): the seed is commit 84165336 (2026-05-26), the head is b12e0785
//! (2026-08-23).
//!
//! Nothing here writes. Records are returned as the program would write them again: without fields
//! that it does not know.

mod entry;
mod error;
mod metadata;
mod parts;
mod state;
mod store;

pub use entry::LogEntry;
pub use error::StoreError;
pub use metadata::MetadataStore;
pub use state::{RestoredState, collect_state};
pub use store::{FsStore, SegmentNode};
