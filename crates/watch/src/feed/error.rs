//! Why a feed cannot go on.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::tick::ClockExhausted;

/// Why a feed cannot go on, or begin. Another one can.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FeedError {
    /// The system has no more watches for this user.
    #[error(
        "no watch is left after {watches}: raise fs.inotify.max_user_watches, or use another feed"
    )]
    NoWatchLeft {
        /// How many this feed had.
        watches: usize,
    },
    /// A directory cannot be watched.
    #[error("cannot watch {}: {source}", path.display())]
    Watch {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The system does not do it.
    #[error("cannot watch files: {0}")]
    System(#[from] io::Error),
    /// It does not answer.
    #[error("no answer within {0:?}")]
    Silent(Duration),
    /// There is no server, or it went away.
    #[error("watchman: {0}")]
    Server(String),
    /// A feed was asked for by the name of somebody else's, and none was supplied.
    #[error("no feed is supplied under this name")]
    NotSupplied,
    /// What a feed of somebody else's says.
    #[error(transparent)]
    Custom(Box<dyn Error + Send + Sync>),
    /// All generations are used up.
    #[error(transparent)]
    Exhausted(#[from] ClockExhausted),
}

impl FeedError {
    /// Whether there is nothing yet that could be watched.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Watch { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}
