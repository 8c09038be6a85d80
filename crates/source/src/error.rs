//! The errors that make a whole call impossible. A smaller problem is an issue beside the result.

use std::path::PathBuf;

use scrollback_core_err::Issue;
use scrollback_core_id::EntityKey;

/// The result type of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a call failed as a whole.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store cannot be opened.
    #[error("cannot open the store at {}", path.display())]
    Store {
        /// The root of the store.
        path: PathBuf,
        /// The cause.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The store does not hold the entity.
    #[error("the store has no {0}")]
    NotFound(EntityKey),
    /// The requested entity cannot be used.
    #[error("{0}")]
    Entity(#[from] Box<Issue>),
}
