//! Open directories: every file of a store is reached from one, by a single name, never by a link.

mod directory;
mod portable;
#[cfg(unix)]
mod unix;

pub use directory::{Directory, FileKind, ListBuffer};
pub use portable::PortableDir;
#[cfg(unix)]
pub use unix::Dir;

/// An open directory of this platform.
#[cfg(not(unix))]
pub type Dir = PortableDir;
