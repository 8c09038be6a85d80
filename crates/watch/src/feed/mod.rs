//! Feeds: who says where to look. What a feed says is a hint; what is there, the store says.

mod backend;
mod handover;
#[cfg(target_os = "linux")]
mod inotify;
mod native;
mod notify;
mod poll;
mod tree;
mod watchman;

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use scrollback_core_id::{EntityKey, Stamp};
use scrollback_source::{DirtyScope, Source};

pub use self::native::NativeFeed;
pub use poll::PollFeed;
pub use watchman::WatchmanFeed;

/// Where a feed is. Handed back to it once all that it said until then was looked at. As text it may
/// be kept: a watchman server knows its clocks as long as it runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FeedClock(pub(crate) Arc<str>);

impl fmt::Display for FeedClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for FeedClock {
    type Err = Infallible;

    /// Any text may be a clock; a feed that does not know it begins anew.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.into()))
    }
}

/// What a feed says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// What may have changed since the clock that was asked with.
    pub scopes: Vec<DirtyScope>,
    /// What to ask with next, once that was looked at.
    pub clock: FeedClock,
    /// Whether that is all.
    pub answer: Answer,
}

/// Whether a feed knows all that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The scopes are all that may have changed.
    Complete,
    /// Anything may have changed: it began just now, or it lost something.
    Rescan,
}

/// The kinds of feeds, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FeedKind {
    /// A watchman server, that remembers what happened while nobody listened.
    Watchman,
    /// The system's own watches, through inotify.
    Inotify,
    /// The system's own watches, through the crate notify.
    Notify,
    /// Looking, again and again.
    Poll,
}

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
    /// All generations are used up.
    #[error(transparent)]
    Exhausted(#[from] crate::Exhausted),
}

impl FeedError {
    /// Whether there is nothing yet that could be watched.
    pub(crate) fn is_absence(&self) -> bool {
        matches!(self, Self::Watch { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

/// What a feed does all day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FeedStats {
    /// Watches that are set.
    pub watches: usize,
    /// Those of them on directories that come and go.
    pub hot: usize,
    /// What it was told.
    pub events: u64,
    /// Of what it was told: how much was of files that are known as they are.
    pub known: u64,
    /// How often all of the store was to be looked at: it began, or lost something.
    pub rescans: u64,
}

/// A name that no other feed has, for what clocks begin with.
fn life() -> String {
    format!("{:016x}:", RandomState::new().hash_one(0))
}

/// What a feed's answer will be.
pub type Hearing<'f> = Pin<Box<dyn Future<Output = Result<Heard, FeedError>> + Send + 'f>>;

/// Says where to look.
///
/// Nothing is said once: what was handed out is handed out again, until a clock comes back that
/// covers it. So whoever drops an answer, or the future of one, loses nothing.
pub trait Feed: Send + fmt::Debug {
    /// Which kind it is.
    fn kind(&self) -> FeedKind;

    /// Waits until something may have changed since `clock`, all of which was looked at. Without
    /// a clock, and with one that is not its own, the feed begins: it watches, and answers
    /// [`Answer::Rescan`] at once, so that whoever looks then misses nothing.
    fn next<'f>(&'f mut self, clock: Option<&'f FeedClock>) -> Hearing<'f>;

    /// Directories of these entities are being written, and worth a watch of their own.
    ///
    /// # Errors
    /// If none is left.
    fn heat(&mut self, directories: &mut dyn Iterator<Item = PathBuf>) -> Result<(), FeedError> {
        let _ = directories;
        Ok(())
    }

    /// Whether looking at all of the store found something that this feed had not said.
    fn found(&mut self, anything: bool) {
        let _ = anything;
    }

    /// Makes sure that what is watched is what is there: to be called every second or so.
    ///
    /// # Errors
    /// If it cannot go on.
    fn check(&mut self) -> Result<(), FeedError> {
        Ok(())
    }

    /// What it does.
    fn stats(&self) -> FeedStats;
}

pub(crate) const SCOPES: usize = 4096;
pub(crate) const HOT: usize = 2048;
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// What every feed needs.
#[derive(Clone)]
pub struct Watched {
    /// The store: what to watch, and what a path in it is.
    pub source: Arc<dyn Source>,
    /// How many scopes are kept apart before they join: 4,096 is usual.
    pub scopes: usize,
    /// How many directories are watched while they are hot: 2,048 is usual.
    pub hot: usize,
    /// How many watches there may be at all, where the system would give more.
    pub watches: Option<usize>,
    /// The socket of the watchman server; none for where this user's is.
    pub server: Option<PathBuf>,
    /// How long the server may take to answer: 10 s are usual.
    pub patience: Duration,
    /// What is known of records: a feed that looks at files itself says nothing of those.
    pub known: Known,
}

impl Watched {
    /// The usual limits.
    pub fn new(source: Arc<dyn Source>) -> Self {
        Self {
            source,
            scopes: SCOPES,
            hot: HOT,
            watches: None,
            server: None,
            patience: PATIENCE,
            known: Known::default(),
        }
    }
}

/// Whether a record that looks so was read already: nothing is known until somebody says how to know.
#[derive(Clone, Default)]
pub struct Known(Arc<OnceLock<Box<IsKnown>>>);

type IsKnown = dyn Fn(&EntityKey, &Stamp) -> bool + Send + Sync;

impl Known {
    /// Says how to know. Only the first one to say so is heard.
    pub fn set(&self, is_known: impl Fn(&EntityKey, &Stamp) -> bool + Send + Sync + 'static) {
        let _ = self.0.set(Box::new(is_known));
    }

    fn is(&self, key: &EntityKey, stamp: &Stamp) -> bool {
        self.0.get().is_some_and(|is_known| is_known(key, stamp))
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").field("source", self.source.id()).finish_non_exhaustive()
    }
}

impl FeedKind {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Watchman => "watchman",
            Self::Inotify => "inotify",
            Self::Notify => "notify",
            Self::Poll => "poll",
        }
    }
}

impl fmt::Display for FeedKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
