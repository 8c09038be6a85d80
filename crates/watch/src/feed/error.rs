//! The errors of feeds.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::tick::ClockExhausted;

/// The error of a feed that cannot start or cannot continue. Another feed may still work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FeedError {
    /// The system, or the limit of the caller, allows no more watches.
    #[error(
        "no watch is left after {watches}: raise fs.inotify.max_user_watches, or use another feed"
    )]
    NoWatchLeft {
        /// The number of watches that the feed had.
        watches: usize,
    },
    /// A directory cannot be watched.
    #[error("cannot watch {}: {source}", path.display())]
    Watch {
        /// The directory.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The system supports no watches.
    #[error("cannot watch files: {0}")]
    System(#[from] io::Error),
    /// The feed does not answer.
    #[error("no answer within {0:?}")]
    Silent(Duration),
    /// The watchman server has not started, or has not read the store yet.
    #[error("the server has not started within {0:?}")]
    NotStarted(Duration),
    /// The watchman server does not run, or has failed.
    #[error("watchman: {0}")]
    Server(String),
    /// A custom feed was chosen by name, and the caller supplied none.
    #[error("no custom feed with this name is supplied: use FeedChoice::Custom")]
    NotSupplied,
    /// The error of a custom feed.
    #[error(transparent)]
    Custom(Box<dyn Error + Send + Sync>),
    /// The clock has no tick left.
    #[error(transparent)]
    Exhausted(#[from] ClockExhausted),
}

impl FeedError {
    /// Checks whether the error is a directory that does not exist yet.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Watch { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}
