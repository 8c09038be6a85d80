//! The stamp of a file: metadata that shows later whether the file changed.

use std::time::Duration;

use crate::UnixNanos;

/// How far a file system may round down an mtime that is a whole second: FAT has steps of two seconds.
const MAX_MTIME_ROUNDING: Duration = Duration::from_secs(2);

/// A file's size, modification time and inode at one moment.
///
/// Two equal stamps prove an unchanged file only if the first stamp was taken well after its own
/// modification time; see [`Stamp::is_settled_at`].
///
/// ```
/// use std::time::Duration;
///
/// use scrollback_core_id::{Stamp, UnixNanos};
///
/// let mtime = UnixNanos(1_795_219_175_055_123_456);
/// let stamp = Stamp { size: 512, mtime, inode: 7 };
/// let margin = Duration::from_millis(100);
/// assert!(!stamp.is_settled_at(mtime, margin));
/// let a_second_later = UnixNanos(mtime.0 + 1_000_000_000);
/// assert!(stamp.is_settled_at(a_second_later, margin));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Stamp {
    /// Size in bytes.
    pub size: u64,
    /// Modification time.
    pub mtime: UnixNanos,
    /// Inode number, or 0 if the file system has no inodes.
    pub inode: u64,
}

impl Stamp {
    /// Checks whether a file with this stamp was surely not in the middle of a write when it was observed:
    /// its last change is older than the start of the observation, `observed`, by more than `margin`.
    ///
    /// Choose a `margin` that is longer than the writer's longest single write, and longer than the steps
    /// of a file system's clock (up to about 10 ms). A file system may have rounded down an mtime that is
    /// a whole second, so such an mtime must be 2 s older still.
    pub fn is_settled_at(&self, observed: UnixNanos, margin: Duration) -> bool {
        let is_whole_second = self.mtime.0 % 1_000_000_000 == 0;
        let rounding = if is_whole_second { MAX_MTIME_ROUNDING } else { Duration::ZERO };
        self.mtime < observed.saturating_sub(margin.saturating_add(rounding))
    }
}
