//! Open directories. Every file of a store is reached from an open directory, by a single name, and
//! never through a link.

mod directory;
mod portable;
#[cfg(unix)]
mod unix;

pub use directory::{Directory, FileKind, ListBuffer};
pub use portable::PortableDir;
#[cfg(unix)]
pub use unix::Dir;

/// The open directory of this platform.
#[cfg(not(unix))]
pub type Dir = PortableDir;
