//! Bytes of files that others are writing: settled reads, spans, and a cache.
//!
#![doc = include_str!("../README.md")]
//!
//! # What is where
//! * [`Directory`] opens and lists; [`Dir`] does it the platform's best way, [`PortableDir`] by
//!   `std::fs` alone.
//! * [`Arena`] reads many files into one buffer; [`ReadContext`] carries what settles a read.
//! * [`MappedSpan`] is bytes from anywhere; [`MappedFile`] maps what [`MapPolicy`] allows.
//! * [`MappedFileCache`] keeps spans by key.
//! * [`write_atomic`] and [`open_cache_file`] are for files of our own, never for a store's.

mod arena;
mod cache;
mod cache_file;
mod context;
mod dir;
mod error;
mod file;
mod map;
mod span;

pub use arena::{Arena, Frozen, Piece};
pub use cache::{CacheStats, MappedFileCache};
pub use cache_file::{FileLock, open_cache_file, write_atomic};
pub use context::{ReadContext, ReadOptions};
pub use dir::{Dir, Directory, FileKind, ListBuffer, PortableDir};
pub use error::Error;
pub use file::MappedFile;
pub use map::{MapPolicy, live_maps};
pub use span::{Allocation, Backing, MappedSpan, Settled};
