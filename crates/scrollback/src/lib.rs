//! Reads the sessions that coding agents store on disk.
//!
#![doc = include_str!("../README.md")]

mod builder;
mod cache_location;
mod error;
mod find;
mod opencode;
mod root;
mod session;
mod store;
mod subagents;
mod usage;
#[cfg(feature = "watch")]
mod watch;

pub use builder::StoreBuilder;
pub use error::{Error, Result};
pub use opencode::Opencode;
pub use root::{Materializer, Root};
pub use scrollback_core_type::{Cost, TokenCounts, Usage};
pub use scrollback_source::root_id;
pub use session::Session;
pub use store::Store;
pub use subagents::Subagents;
pub use usage::{UsageEntry, UsageReport};
#[cfg(feature = "watch")]
pub use watch::{Event, Events, StoreCursor, WatchBuilder};

pub use scrollback_core_id::{Clock, SystemClock, UnixMillis};
pub use scrollback_source::{
    Agent, DiscoveredRoot, DiscoveredStore, Discovery, OpenOptions, Registry, StoreDetails,
    StoreState,
};
#[cfg(feature = "watch")]
pub use scrollback_watch::{ChangeKind, FeedChoice, FeedKind, Subject};

/// The crates below the facade, for programs that need more than the facade offers.
pub mod layers {
    pub use scrollback_core_err as core_err;
    pub use scrollback_core_id as core_id;
    pub use scrollback_core_type as core_type;
    pub use scrollback_flow as flow;
    pub use scrollback_index as index;
    pub use scrollback_source as source;
    pub use scrollback_stor_mmap as stor_mmap;
    pub use scrollback_stor_path as stor_path;
    pub use scrollback_stor_read as stor_read;
    #[cfg(feature = "sqlite")]
    pub use scrollback_stor_sqlite as stor_sqlite;
    #[cfg(feature = "watch")]
    pub use scrollback_watch as watch;
}
