//! Mappings: when a file may be mapped, and the only `unsafe` of the workspace's libraries.
//!
//! A mapping of a file that shrinks kills the process that touches it. A mapping of a file that is
//! rewritten changes under its reader. So a file is mapped only if its discipline says that its owner
//! does neither, or if the caller promised that nobody writes to it at all.

use std::fs::File;
use std::io;
use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};

use memmap2::{Mmap, MmapOptions};
use scrollback_core_id::Discipline;

/// The number of live mappings in this process. Linux allows 65,530 by default.
static LIVE_MAPS: AtomicUsize = AtomicUsize::new(0);

/// Returns how many mappings made by this crate are live in this process.
pub fn live_maps() -> usize {
    LIVE_MAPS.load(Ordering::Relaxed)
}

/// The rules for which files are mapped instead of read.
///
/// Reading is faster for small files and safe for all files. A mapping costs system calls and page
/// faults. A mapping pays from about 256 KiB for bytes that are used once, and from about 64 KiB for bytes
/// that are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MapPolicy {
    min_len: u64,
    max_maps: usize,
    is_frozen: bool,
}

impl Default for MapPolicy {
    /// Returns the policy for bytes that are used once: it maps files of 256 KiB or more, if their
    /// discipline allows it.
    fn default() -> Self {
        Self { min_len: 256 << 10, max_maps: 4096, is_frozen: false }
    }
}

impl MapPolicy {
    /// Returns the policy for bytes that are kept: it maps files of 64 KiB or more, if their
    /// discipline allows it.
    pub fn long_lived() -> Self {
        Self::default().with_min_len(64 << 10)
    }

    /// Returns the policy that maps nothing.
    pub fn never() -> Self {
        Self { max_maps: 0, ..Self::default() }
    }

    /// Returns the policy for a store that nobody writes. The policy maps every file of at least `min_len`
    /// bytes except databases, also files that their owner rewrites in place, and it treats every
    /// read as settled.
    ///
    /// # Safety
    /// From the first file that is opened under this policy until the last span of such a file is
    /// dropped, nobody, in this process or another, may write to, truncate or punch holes into any
    /// of these files: the store is a copy or an archive that no agent uses. Otherwise bytes
    /// change under `&[u8]`, and touching a byte that was cut off kills the process (SIGBUS).
    #[expect(unsafe_code, reason = "the caller has to promise what cannot be checked")]
    pub unsafe fn frozen(min_len: u64) -> Self {
        Self { min_len, is_frozen: true, ..Self::default() }
    }

    /// Returns the same policy for files of at least `min_len` bytes.
    #[must_use]
    pub fn with_min_len(self, min_len: u64) -> Self {
        Self { min_len, ..self }
    }

    /// Returns the same policy with another limit on the live mappings of this process. The default
    /// is 4,096. At the limit, files are read.
    #[must_use]
    pub fn with_max_maps(self, max_maps: usize) -> Self {
        Self { max_maps, ..self }
    }

    /// Checks whether the caller promised that nobody writes.
    pub fn is_frozen(&self) -> bool {
        self.is_frozen
    }

    /// Checks whether a file of this discipline and length is mapped below the limit of mappings.
    pub fn maps(&self, discipline: Discipline, len: u64) -> bool {
        let allowed = match discipline {
            Discipline::Replace | Discipline::Append | Discipline::Snapshot => true,
            Discipline::InPlace => self.is_frozen,
            _ => false,
        };
        allowed && self.max_maps > 0 && len >= self.min_len.max(1)
    }

    /// Returns the permit to map one file of this discipline and length.
    pub(crate) fn permit(&self, discipline: Discipline, len: u64) -> Option<Permit> {
        if !self.maps(discipline, len) {
            return None;
        }
        // The permit exists before the test, so that its drop gives the count back if the test fails.
        let (before, permit) = (LIVE_MAPS.fetch_add(1, Ordering::Relaxed), Permit(()));
        (before < self.max_maps).then_some(permit)
    }
}

/// A permit to map one file, given by a policy. A permit counts as a live mapping until it is dropped.
pub(crate) struct Permit(());

impl Drop for Permit {
    fn drop(&mut self) {
        LIVE_MAPS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A mapping of the first bytes of a file.
pub(crate) struct Map {
    bytes: Mmap,
    _permit: Permit,
}

impl Map {
    /// Maps the first `len` bytes of a file that has a permit.
    pub(crate) fn new(file: &File, len: u64, permit: Permit) -> io::Result<Self> {
        let len = usize::try_from(len).map_err(io::Error::other)?;
        // SAFETY: a `Permit` is made by `MapPolicy::permit` alone. Either the file's discipline is
        // one of three under which its owner must not write to existing bytes: `Replace` (a new
        // file is renamed over it), `Append` (writes come after `len`) and `Snapshot` (our own
        // `write_atomic` renames too). Or the policy is `frozen`, and its caller promised that
        // nobody writes to the file at all.
        #[expect(unsafe_code, reason = "a mapping is only as good as the file's owner")]
        let bytes = unsafe { MmapOptions::new().len(len).map(file)? };
        Ok(Self { bytes, _permit: permit })
    }
}

impl Deref for Map {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}
