//! Which rows a set has, as one sum.

use scrollback_core_id::{EntityKey, Stamp, UnixNanos};
use scrollback_source::Observation;
use scrollback_stor_mmap::Settled;
use xxhash_rust::xxh3::xxh3_64;

/// Sums up which rows there are: any that joins or leaves changes it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SetSum {
    count: u64,
    newest_ms: i64,
    ids: u64,
}

impl SetSum {
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(crate) fn add(&mut self, id: &[u8], created_ms: i64) {
        self.count += 1;
        self.newest_ms = self.newest_ms.max(created_ms);
        self.ids = self.ids.wrapping_add(xxh3_64(id));
    }

    /// Of the set with the number of its session's last event, if there is a log of them. None if
    /// the set is empty.
    pub(crate) fn observation(
        &self,
        key: impl Into<EntityKey>,
        sequence: Option<i64>,
    ) -> Option<Observation> {
        let events = sequence.map_or(0, |number| xxh3_64(&number.to_le_bytes()));
        let mtime = UnixNanos(self.newest_ms.saturating_mul(1_000_000));
        let stamp = Stamp { size: self.count, mtime, inode: self.ids.wrapping_add(events) };
        // The sum is of what the set is, and not of when it changed: equal means equal.
        let settled = Settled::Settled;
        (self.count > 0).then(|| Observation::new(key, stamp, settled))
    }
}
