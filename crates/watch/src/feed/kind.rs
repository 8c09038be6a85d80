//! The kinds of feeds.

use std::fmt;

/// The kind of a feed, in order of preference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FeedKind {
    /// A watchman server, which records changes while no program listens.
    Watchman,
    /// The system's watches, through inotify.
    Inotify,
    /// The system's watches, through the crate notify.
    Notify,
    /// Repeated comparison of the records, without watches.
    Poll,
    /// A feed of the caller, by its name ([`FeedChoice::Custom`](crate::FeedChoice::Custom)).
    Custom(&'static str),
}

impl FeedKind {
    /// Returns the name on the command line.
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
