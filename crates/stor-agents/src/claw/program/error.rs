//! The errors of the operations, with the program's texts.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why an operation fails. The text is the program's.
#[derive(Debug)]
pub enum SessionControlError {
    /// The operating system refused to read a file or a directory.
    Io(io::Error),
    /// The content of a session, or a reference, is not what the program expects.
    Format(String),
    /// The session belongs to another workspace (head).
    WorkspaceMismatch {
        /// The workspace of the store.
        expected: PathBuf,
        /// The workspace of the session.
        actual: PathBuf,
    },
}

impl fmt::Display for SessionControlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Format(message) => f.write_str(message),
            Self::WorkspaceMismatch { expected, actual } => write!(
                f,
                "session workspace mismatch: expected {}, found {}",
                expected.display(),
                actual.display()
            ),
        }
    }
}

impl std::error::Error for SessionControlError {}

impl From<io::Error> for SessionControlError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

pub(super) type Result<T> = std::result::Result<T, SessionControlError>;

pub(super) fn format_error<T>(message: impl Into<String>) -> Result<T> {
    Err(SessionControlError::Format(message.into()))
}
