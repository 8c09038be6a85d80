//! What makes a call of the facade impossible.

use std::error::Error as StdError;
use std::path::PathBuf;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call failed. The message includes the causes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No agent keeps a store where it was looked for.
    #[error("no store found; looked at: {}", places.join("; "))]
    NoStore {
        /// Every place that was looked at.
        places: Vec<String>,
        /// Stores that are there and that this version does not read.
        unsupported: Vec<String>,
    },
    /// A path that was given is no store.
    #[error("{reason}")]
    NotAStore {
        /// The path.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A store cannot be read.
    #[error("{}", with_causes(.0))]
    Store(#[from] scrollback_source::Error),
    /// No session matches a text.
    #[error("no session {text:?}")]
    NoSession {
        /// The text: an id, the start of one, or `latest~N`.
        text: String,
        /// How many top-level sessions there are, if the text is `latest` or `latest~N`.
        latest_count: Option<usize>,
    },
    /// A text that is no session id.
    #[error("{text:?} is no session: {reason}")]
    BadSession {
        /// The text.
        text: String,
        /// Why not.
        reason: String,
    },
    /// The start of several session ids.
    #[error("{text:?} is the start of {} session ids", sessions.len())]
    Ambiguous {
        /// The text.
        text: String,
        /// The ids that begin so, newest first, each with its title.
        sessions: Vec<(String, String)>,
    },
    /// The progress callback ended the reading of a store.
    #[error("the index was not finished")]
    Stopped,
    /// A file of the index cannot be written. Nothing is lost but time.
    #[error("{}", with_causes(.0))]
    Cache(#[from] scrollback_core_err::PathError),
    /// A time zone that is not known.
    #[error("unknown time zone {0:?}: use an IANA name such as Europe/Berlin, or `local`")]
    TimeZone(String),
    /// A cursor that is none of a stream of events.
    #[error("not a cursor: pass the `cursor` of an event")]
    Cursor,
    /// A store cannot be followed.
    #[cfg(feature = "watch")]
    #[error("{}", with_causes(.0))]
    Watch(#[from] scrollback_watch::LiveError),
    /// The operating system refuses something that following needs.
    #[error("cannot wait for events: {0}")]
    System(#[from] std::io::Error),
}

/// The message of an error, followed by those of its causes.
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
