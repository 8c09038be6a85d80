//! Computes one stamp for the set of rows in a list.

use scrollback_core_id::{EntityKey, Stamp, UnixNanos};
use scrollback_source::Observation;
use scrollback_stor_mmap::Settled;
use xxhash_rust::xxh3::xxh3_64;

/// A sum over the ids of a set. Every row that joins or leaves the set changes it.
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

    /// Adds the rows of another set.
    pub(crate) fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.newest_ms = self.newest_ms.max(other.newest_ms);
        self.ids = self.ids.wrapping_add(other.ids);
    }

    /// Returns the observation of the set, or `None` if the set is empty. `sequence` is the number
    /// of the session's last event, if the database has one.
    pub(crate) fn observation(
        &self,
        key: impl Into<EntityKey>,
        sequence: Option<i64>,
    ) -> Option<Observation> {
        let events = sequence.map_or(0, |number| xxh3_64(&number.to_le_bytes()));
        let mtime = UnixNanos(self.newest_ms.saturating_mul(1_000_000));
        let stamp = Stamp { size: self.count, mtime, inode: self.ids.wrapping_add(events) };
        // The stamp depends on the content of the set and not on its age, so an equal stamp always
        // means an equal set.
        let settled = Settled::Settled;
        (self.count > 0).then(|| Observation::new(key, stamp, settled))
    }
}
