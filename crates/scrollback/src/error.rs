//! The errors of the facade.

use std::error::Error as StdError;
use std::path::PathBuf;

/// The result type of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of the facade. Its message includes the causes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No store exists at the searched places.
    #[error("no store found; searched: {}", places.join("; "))]
    NoStore {
        /// Every place that was searched.
        places: Vec<String>,
        /// Stores that exist but have a format that this version cannot read.
        unsupported: Vec<String>,
    },
    /// A path holds no store.
    #[error("{reason}")]
    NotAStore {
        /// The path.
        path: PathBuf,
        /// What is at the path instead, and what was expected.
        reason: String,
    },
    /// No store that was found has the path or name that `from_store` names.
    #[error("no store that was found is {}", path.display())]
    NoSuchStore {
        /// The path or name.
        path: PathBuf,
    },
    /// A store cannot be read.
    #[error("{}", with_causes(.0))]
    Store(#[from] scrollback_source::Error),
    /// Something is at the place of a store that cannot be opened as a store.
    #[error("cannot use {}: {problem}", path.display())]
    UnusablePlace {
        /// The place.
        path: PathBuf,
        /// What is there, such as a link that leads nowhere.
        problem: String,
    },
    /// No session matches a text.
    #[error("no session matches {text:?}")]
    NoSession {
        /// The text: an id, a prefix of an id, or `latest~N`.
        text: String,
        /// The number of top-level sessions, if the text is `latest` or `latest~N`.
        latest_count: Option<usize>,
    },
    /// A text is not a valid session id.
    #[error("{text:?} is not a session id: {reason}")]
    BadSession {
        /// The text.
        text: String,
        /// Why the text is invalid.
        reason: String,
    },
    /// A text is the prefix of several session ids.
    #[error("{text:?} is a prefix of {} session ids; use a longer prefix", sessions.len())]
    Ambiguous {
        /// The text.
        text: String,
        /// The matching ids, newest first, each with its title.
        sessions: Vec<(String, String)>,
    },
    /// The progress callback ended a read by returning `false`.
    #[error("the progress callback stopped the read")]
    Stopped,
    /// A cache file cannot be written. The next process has to read the store again.
    #[error("{}", with_causes(.0))]
    Cache(#[from] scrollback_core_err::PathError),
    /// The cache directory is unsafe, so no index is read or saved. All results are the same.
    #[error("no index is kept in {}: {reason}", dir.display())]
    UnsafeCache {
        /// The cache directory.
        dir: PathBuf,
        /// Why it is unsafe.
        reason: String,
    },
    /// A time zone is unknown.
    #[error("unknown time zone {0:?}: use an IANA name such as Europe/Berlin, or `local`")]
    TimeZone(String),
    /// A text is not a valid cursor.
    #[error("not a cursor: pass the `cursor` of an event")]
    Cursor,
    /// A store cannot be followed.
    #[cfg(feature = "watch")]
    #[error("{}", with_causes(.0))]
    Watch(#[from] scrollback_watch::LiveError),
    /// The operating system refused a resource that following a store needs.
    #[error("cannot wait for events: {0}")]
    System(#[from] std::io::Error),
}

/// Returns the message of an error, followed by the messages of its causes.
pub(crate) fn with_causes(error: &dyn StdError) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        if !message.ends_with(&text) {
            message = format!("{message}: {text}");
        }
        cause = inner.source();
    }
    message
}
