//! Feeds report change hints. A hint names scopes to verify; only the store decides whether they
//! changed.

mod backend;
mod clock;
mod context;
mod contract;
mod custom;
mod error;
#[cfg(target_os = "linux")]
mod inotify;
mod kind;
mod native;
mod notify;
mod outstanding_batch;
mod poll;
mod tree;
mod watchman;

pub use clock::FeedClock;
pub(crate) use context::{DEFAULT_MAX_HOT_DIRECTORIES, DEFAULT_MAX_SCOPES, DEFAULT_TIMEOUT};
pub use context::{FeedContext, IndexedRecords};
pub use contract::{BatchCoverage, BatchFuture, Feed, FeedBatch, FeedStats};
pub use custom::CustomFeed;
pub use error::FeedError;
pub use kind::FeedKind;
pub use native::NativeFeed;
pub use poll::PollFeed;
pub use watchman::WatchmanFeed;
