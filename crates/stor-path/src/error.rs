//! What is wrong with a path that the user gave as a store.

use std::path::PathBuf;

use scrollback_core_err::PathError;

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a given path is no store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing has this name.
    #[error("there is nothing at {}", .0.display())]
    Missing(PathBuf),
    /// A link whose target is missing.
    #[error("{} is a link that leads nowhere", .0.display())]
    DanglingLink(PathBuf),
    /// A file that is no database by its name.
    #[error(
        "{} is no store: expected a data directory, its storage/ directory, or a .db file",
        .0.display()
    )]
    NotAStore(PathBuf),
    /// A directory that holds none of the stores that it could.
    #[error(
        "no store in {}: it has no storage/, opencode.db, opencode-*.db or project/*/storage/, \
         and is no storage/ directory itself",
        .0.display()
    )]
    NoStoreInside(PathBuf),
    /// A path that cannot be looked at.
    #[error(transparent)]
    Unreadable(#[from] PathError),
}
