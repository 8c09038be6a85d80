//! What a file's metadata says, to tell later whether it changed.

use std::time::Duration;

use crate::UnixNanos;

/// How far down a file system may round an mtime that is a whole second: FAT keeps every other.
const MAX_MTIME_ROUNDING: Duration = Duration::from_secs(2);

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
    /// the middle of a write: its last change is older than the observation by more than `margin`.
    ///
    /// `margin` outlasts the writer's longest single write, and the steps of a file system's
    /// clock up to some 10 ms. An mtime in whole seconds may have been rounded down by the file
    /// system, so it has to be 2 s older still.
    pub fn is_settled_at(&self, observed: UnixNanos, margin: Duration) -> bool {
        let is_whole_second = self.mtime.0 % 1_000_000_000 == 0;
        let rounding = if is_whole_second { MAX_MTIME_ROUNDING } else { Duration::ZERO };
        self.mtime < observed.saturating_sub(margin.saturating_add(rounding))
    }
}
