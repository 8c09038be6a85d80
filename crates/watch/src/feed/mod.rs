//! Feeds: who says where to look. What a feed says is a hint; what is there, the store says.

mod backend;
mod clock;
mod contract;
mod custom;
mod error;
mod handover;
#[cfg(target_os = "linux")]
mod inotify;
mod kind;
mod native;
mod notify;
mod poll;
mod tree;
mod watched;
mod watchman;

pub use clock::FeedClock;
pub use contract::{Answer, Feed, FeedStats, Heard, Hearing};
pub use custom::CustomFeed;
pub use error::FeedError;
pub use kind::FeedKind;
pub use native::NativeFeed;
pub use poll::PollFeed;
pub(crate) use watched::{HOT, PATIENCE, SCOPES};
pub use watched::{Known, Watched};
pub use watchman::WatchmanFeed;
