//! The errors of starting a live index.

use crate::feed::{FeedError, FeedKind};

/// The error of a store that cannot be followed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LiveError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] scrollback_source::Error),
    /// The chosen feed cannot start.
    #[error("the feed {kind} cannot begin: {reason}")]
    Feed {
        /// The kind of the feed.
        kind: FeedKind,
        /// The error of the feed.
        reason: FeedError,
    },
    /// The progress callback stopped the start.
    #[error("the start was stopped by its progress callback")]
    Stopped,
    /// The system has no thread left for the driver.
    #[error("cannot start a thread for the driver: {0}")]
    Thread(#[from] std::io::Error),
}
