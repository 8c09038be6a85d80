//! The errors of a path that the user or the program named.
//!
//! A problem inside a store is data, not an error. Calls that read a store return an
//! [`IssueKind`](scrollback_core_err::IssueKind), and their caller adds the place.

use scrollback_core_err::{Issue, PathError};

/// Why a root directory or a cache file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused an operation.
    #[error(transparent)]
    Io(#[from] PathError),
    /// The file exists and cannot be used.
    #[error(transparent)]
    Issue(#[from] Issue),
}
