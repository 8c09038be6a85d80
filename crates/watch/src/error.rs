//! Why a store cannot be followed.

use crate::feed::{FeedError, FeedKind};

/// Why nothing can be followed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LiveError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] scrollback_source::Error),
    /// The feed that was asked for cannot begin.
    #[error("the feed {kind} cannot begin: {reason}")]
    Feed {
        /// Which.
        kind: FeedKind,
        /// Why.
        reason: FeedError,
    },
    /// Whoever was told how far it is said that it is enough.
    #[error("it was stopped before it began")]
    Stopped,
    /// The system has no thread for it.
    #[error("no thread for the driver: {0}")]
    Thread(#[from] std::io::Error),
}
