//! The kinds of feeds.

use std::fmt;

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
    /// One of somebody else's, by its name ([`FeedChoice::Custom`](crate::FeedChoice::Custom)).
    Custom(&'static str),
}

impl FeedKind {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Watchman => "watchman",
            Self::Inotify => "inotify",
            Self::Notify => "notify",
            Self::Poll => "poll",
            Self::Custom(name) => name,
        }
    }
}

impl fmt::Display for FeedKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
