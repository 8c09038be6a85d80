//! Failures of commands: the message, hints what to do next, and the exit code.

use std::fmt;
use std::io;

use scrollback::Error;
use scrollback_core_err::{Issue, IssueKind, PathError};
use scrollback_source as read;
use scrollback_watch::LiveError;

use crate::units;

/// The failure of a command.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: Kind,
    /// The error message.
    pub(crate) message: String,
    /// What the user can do next; one line for each hint.
    pub(crate) hints: Vec<String>,
}

/// The kind of a failure, which is its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Exit code 1: nothing was found.
    NotFound = 1,
    /// Exit code 2: the command line is wrong.
    BadUse = 2,
    /// Exit code 3: a store or a requested record cannot be read.
    Unreadable = 3,
}

pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hints: Vec::new() }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Checks whether the reader closed the output. The program then ends with exit code 0.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        self.message == BROKEN_PIPE
    }
}

const BROKEN_PIPE: &str = "the output was closed";

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<io::Error> for Failure {
    /// Converts an error of writing the output. Errors of reading a store are [`read::Error`].
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::new(Kind::Unreadable, BROKEN_PIPE),
            _ => Self::new(Kind::Unreadable, format!("cannot write the output: {error}")),
        }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        io::Error::from(error).into()
    }
}

impl From<&Issue> for Failure {
    /// Converts the issue of the one record that the user requested.
    fn from(issue: &Issue) -> Self {
        let failure = Self::new(Kind::Unreadable, issue.to_string());
        match issue.kind {
            IssueKind::TooLarge { size, .. } => {
                failure.hint(format!("use --max-size {size} to read it"))
            }
            _ => failure,
        }
    }
}

impl From<read::Error> for Failure {
    fn from(error: read::Error) -> Self {
        Self::from(&error)
    }
}

impl From<&read::Error> for Failure {
    fn from(error: &read::Error) -> Self {
        if let read::Error::Entity(issue) = error {
            return Self::from(&**issue);
        }
        let kind = match error {
            read::Error::NotFound(_) => Kind::NotFound,
            _ => Kind::Unreadable,
        };
        let mut message = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(inner) = source {
            let inner_text = inner.to_string();
            if !message.ends_with(&inner_text) {
                message = format!("{message}: {inner_text}");
            }
            source = inner.source();
        }
        Self::new(kind, message)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        let message = error.to_string();
        match error {
            Error::Store(error) => Self::from(error),
            Error::NoStore { places, unsupported } => no_store(places, unsupported),
            Error::NotAStore { .. } => Self::new(Kind::Unreadable, message).hint(
                "pass opencode's data directory, its storage/ directory, or a .db file to --store",
            ),
            Error::NoSuchStore { .. } => {
                Self::new(Kind::BadUse, message).hint("`scrollback stores` lists the stores")
            }
            Error::NoSession { latest_count: Some(0), .. } => {
                Self::new(Kind::NotFound, "there are no sessions")
            }
            Error::NoSession { latest_count: Some(count), .. } => {
                let sessions = if *count == 1 { "is only 1 session" } else { "are only" };
                let count = if *count == 1 { String::new() } else { format!(" {count} sessions") };
                Self::new(Kind::NotFound, format!("there {sessions}{count}"))
                    .hint("`scrollback ls --roots` lists the sessions")
            }
            Error::NoSession { .. } => Self::new(Kind::NotFound, message)
                .hint("`scrollback ls` lists the sessions; `latest` names the newest"),
            Error::BadSession { .. } | Error::Cursor | Error::TimeZone(_) => {
                Self::new(Kind::BadUse, message)
            }
            Error::Ambiguous { sessions, .. } => {
                let mut failure = Self::new(Kind::BadUse, message);
                for (id, title) in sessions.iter().take(8) {
                    let title =
                        crate::sanitize::line(units::title_or_placeholder(title)).into_owned();
                    failure.hints.push(format!("{id}  {title}"));
                }
                failure
            }
            Error::Watch(LiveError::Store(error)) => Self::from(error),
            Error::Watch(LiveError::Feed { .. }) => Self::new(Kind::Unreadable, message)
                .hint("use --feed best to select an available feed"),
            _ => Self::new(Kind::Unreadable, message),
        }
    }
}

/// Returns the failure of a command that found no store. The hints list the places that were searched, or a store
/// that this version does not read.
pub(crate) fn no_store(places: &[String], unsupported: &[String]) -> Failure {
    if let Some(store) = unsupported.first() {
        let message = format!("{store}, which this version does not read yet");
        return Failure::new(Kind::NotFound, message).hint("`scrollback stores` lists all stores");
    }
    let mut failure = Failure::new(Kind::NotFound, "no opencode store found");
    failure.hints.extend(places.iter().map(|place| format!("searched {place}")));
    failure.hint("use --store PATH to name a store, or try `scrollback demo`")
}

impl From<PathError> for Failure {
    /// Converts an error with a cache file.
    fn from(error: PathError) -> Self {
        Self::new(Kind::Unreadable, format!("{error}: {}", error.source))
    }
}
