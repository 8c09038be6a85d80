//! The errors of a path that the user gave as a store.

use std::path::PathBuf;

use scrollback_core_err::PathError;

/// The result type of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a path that the user gave is not a store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing exists at the path.
    #[error("there is nothing at {}", .0.display())]
    Missing(PathBuf),
    /// A link whose target is missing.
    #[error("{} is a link that leads nowhere", .0.display())]
    DanglingLink(PathBuf),
    /// A file whose name is not the name of a database.
    #[error(
        "{} is not a store: expected a data directory, its storage/ directory, or a .db file",
        .0.display()
    )]
    NotAStore(PathBuf),
    /// A directory without any kind of store.
    #[error(
        "no store in {}: it has no storage/, opencode.db, opencode-*.db or project/*/storage/, \
         and is not a storage/ directory itself",
        .0.display()
    )]
    NoStoreInside(PathBuf),
    /// A path that cannot be read.
    #[error(transparent)]
    Unreadable(#[from] PathError),
}
