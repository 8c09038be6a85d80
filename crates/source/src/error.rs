//! What makes a call impossible; everything less is an issue beside the value.

use std::path::PathBuf;

use scrollback_core_err::Issue;
use scrollback_core_id::EntityKey;

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a call could not be answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store cannot be opened.
    #[error("cannot open the store at {}", path.display())]
    Store {
        /// Its root.
        path: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The store does not hold the entity.
    #[error("the store has no {0}")]
    NotFound(EntityKey),
    /// The one entity that was asked for cannot be used.
    #[error("{0}")]
    Entity(#[from] Box<Issue>),
}
