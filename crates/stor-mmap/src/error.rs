//! What can go wrong with a path that the user or the program named.
//!
//! What is found inside a store is data, not an error: those calls answer an
//! [`IssueKind`](scrollback_core_err::IssueKind), and their caller knows the place.

use scrollback_core_err::{Issue, PathError};

/// Why a root directory or a file of our own cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system said no.
    #[error(transparent)]
    Io(#[from] PathError),
    /// What is there cannot be used.
    #[error(transparent)]
    Issue(#[from] Issue),
}
