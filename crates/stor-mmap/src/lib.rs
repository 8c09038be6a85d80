//! The bytes of files that other programs are writing: settled reads, spans, and a cache.
//!
#![doc = include_str!("../README.md")]
//!
//! # Overview
//! * [`Directory`] opens and lists files. [`Dir`] uses the platform's best system calls;
//!   [`PortableDir`] uses `std::fs` alone.
//! * [`Arena`] reads many files into one buffer. [`ReadContext`] decides whether a read is settled.
//! * [`MappedSpan`] is a range of bytes in any memory. [`MappedFile`] maps what [`MapPolicy`] allows.
//! * [`MappedFileCache`] keeps spans by key.
//! * [`write_atomic`] and [`open_cache_file`] are for cache files, never for the files of a store.

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
