//! An I/O error that says what was done and where.

use std::io;
use std::path::{Path, PathBuf};

/// An I/O error with the action that failed and the path it failed on.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}", path.display())]
pub struct PathError {
    /// What was tried, as a verb: "read", "open", "list".
    pub action: &'static str,
    /// Where.
    pub path: PathBuf,
    /// Why it failed.
    pub source: io::Error,
}

/// Adds action and path to an I/O error.
pub trait AtPath<T> {
    /// Says what was tried and where.
    ///
    /// # Errors
    /// The error it was called on, in its context.
    fn at_path(self, action: &'static str, path: &Path) -> Result<T, PathError>;
}

impl<T, E: Into<io::Error>> AtPath<T> for Result<T, E> {
    fn at_path(self, action: &'static str, path: &Path) -> Result<T, PathError> {
        self.map_err(|source| PathError { action, path: path.to_owned(), source: source.into() })
    }
}
