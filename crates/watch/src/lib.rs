//! Keeps an index live: feeds that say where to look, what is dirty, and a driver that looks.
//!
#![doc = include_str!("../README.md")]

mod again;
mod dirty;
mod driver;
mod error;
mod feed;
mod follow;
mod generation;
mod ladder;
mod live;
mod options;
mod scope;
mod shared;
mod stats;
mod tracked;

pub use dirty::{Claim, DirtyTracker, Widen};
pub use error::LiveError;
pub use feed::{
    Answer, CustomFeed, Feed, FeedClock, FeedError, FeedKind, FeedStats, Heard, Hearing, Known,
    NativeFeed, PollFeed, Watched, WatchmanFeed,
};
pub use follow::{Event, EventCursor, EventCursorError, Follower, Of, TextEdit, What, Within};
pub use generation::{Exhausted, Generation, GenerationClock};
pub use live::Live;
pub use options::{FeedChoice, LiveOptions};
pub use stats::{Demotion, LiveStats};
pub use tracked::TrackedMappedFileCache;
