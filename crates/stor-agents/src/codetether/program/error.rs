//! Why an operation fails, with the program's own texts.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why a session cannot be loaded.
#[derive(Debug)]
pub enum Error {
    /// No session matches.
    NoSessions,
    /// The id has another character than letters, digits, `-` and `_`, or has more than 128 bytes
    /// ([`Version::Head`](crate::Version::Head)).
    InvalidId,
    /// The session in the file has another id ([`Version::Head`](crate::Version::Head)).
    WrongId,
    /// The file is larger than the program loads ([`Version::Head`](crate::Version::Head)).
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
    },
    /// The file cannot be read.
    Io {
        /// The file, where the program names it.
        path: Option<PathBuf>,
        /// The operating system's error.
        error: io::Error,
    },
    /// The file is not a session.
    Parse {
        /// The file, where the program names it.
        path: Option<PathBuf>,
        /// The error with its line and column.
        error: serde_json::Error,
    },
}

impl Error {
    /// Adds the file, as the program does in its tail loads.
    pub(super) fn at(self, file: PathBuf) -> Self {
        match self {
            Self::Io { error, .. } => Self::Io { path: Some(file), error },
            Self::Parse { error, .. } => Self::Parse { path: Some(file), error },
            other => other,
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io { path: None, error }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Parse { path: None, error }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSessions => f.write_str("No sessions found"),
            Self::InvalidId => f.write_str("Invalid session ID:rejecting path traversal risk"),
            Self::WrongId => f.write_str("Session file identity does not match requested ID"),
            Self::TooLarge { path, size } => write!(
                f,
                "session file {} is {size} bytes, exceeds 512 MiB cap; refusing to load to avoid OOM",
                path.display()
            ),
            Self::Io { path: Some(path), error } => {
                write!(f, "open session file {}: {error}", path.display())
            }
            Self::Parse { path: Some(path), error } => {
                write!(f, "parse session file {}: {error}", path.display())
            }
            Self::Io { path: None, error } => error.fmt(f),
            Self::Parse { path: None, error } => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {}
