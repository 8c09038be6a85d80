//! What a file's metadata says, to tell later whether it changed.

use std::time::Duration;

use crate::UnixNanos;

/// A file's size, modification time and identity at one moment.
///
/// Two equal stamps mean an unchanged file only if the first was taken well after the
/// modification time it holds; see [`Stamp::is_settled_at`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Stamp {
    /// Size in bytes.
    pub size: u64,
    /// Modification time.
    pub mtime: UnixNanos,
    /// Inode number, or 0 where there is none.
    pub inode: u64,
}

impl Stamp {
    /// Whether a file that was observed from `observed` on with this stamp cannot have been in
    /// the middle of a write: its last change is older than the observation by `margin`.
    pub fn is_settled_at(&self, observed: UnixNanos, margin: Duration) -> bool {
        self.mtime < observed.before(margin)
    }
}
