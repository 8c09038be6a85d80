//! I/O errors with the failed action and the path.

use std::io;
use std::path::{Path, PathBuf};

/// An I/O error with the failed action and its path.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}", path.display())]
pub struct PathError {
    /// The action that failed, as a verb: "read", "open", "list".
    pub action: &'static str,
    /// The path.
    pub path: PathBuf,
    /// The error of the operating system.
    pub source: io::Error,
}

/// Adds action and path to an I/O error.
pub trait AtPath<T> {
    /// Adds the action, as a verb, and the path.
    ///
    /// # Errors
    /// [`PathError`] with the original error as its source, if `self` is an error.
    fn at_path(self, action: &'static str, path: &Path) -> Result<T, PathError>;
}

impl<T, E: Into<io::Error>> AtPath<T> for Result<T, E> {
    fn at_path(self, action: &'static str, path: &Path) -> Result<T, PathError> {
        self.map_err(|source| PathError { action, path: path.to_owned(), source: source.into() })
    }
}
