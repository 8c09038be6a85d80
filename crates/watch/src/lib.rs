//! Keeps an index equal to its store: feeds report hints, a dirty tracker collects them, and a
//! driver verifies them against the store.
#![doc = include_str!("../README.md")]

mod dirty;
mod driver;
mod error;
mod fallback_chain;
mod feed;
mod follow;
mod issues;
mod live;
mod options;
mod retry_queue;
mod scope;
mod shared;
mod stats;
mod tick;
mod tracked;

pub use dirty::{Claim, DirtyTracker, Widen};
pub use error::LiveError;
pub use feed::{
    BatchCoverage, BatchFuture, CustomFeed, Feed, FeedBatch, FeedClock, FeedContext, FeedError,
    FeedKind, FeedStats, IndexedRecords, NativeFeed, PollFeed, WatchmanFeed,
};
pub use follow::{
    ChangeKind, Event, EventCursor, EventCursorError, EventOffset, Follower, Subject, TextEdit,
};
pub use live::Live;
pub use options::{FeedChoice, LiveOptions, OnSlowStart};
pub use stats::{Demotion, LiveStats};
pub use tick::{ClockExhausted, GenerationClock, Tick};
pub use tracked::TrackedMappedFileCache;
