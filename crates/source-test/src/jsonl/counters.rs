//! Counters for the cost of reads.

use std::sync::atomic::{AtomicU64, Ordering};

/// The counters of a [`JsonlSource`](super::JsonlSource).
#[derive(Debug, Default)]
pub struct Counters {
    stats: AtomicU64,
    bytes_read: AtomicU64,
    bytes_compared: AtomicU64,
    records_parsed: AtomicU64,
}

/// The values of all counters at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// The number of stat calls on files.
    pub stat_calls: u64,
    /// The number of bytes that were read to be parsed.
    pub bytes_read: u64,
    /// The number of bytes before a mark that were read to be compared: at most
    /// [`LogMark::MAX_TAIL`](scrollback_source::LogMark::MAX_TAIL) per call of
    /// [`Reader::resume`](scrollback_source::Reader::resume).
    pub bytes_compared: u64,
    /// The number of lines that were parsed.
    pub records_parsed: u64,
}

impl Counters {
    /// Returns the current values.
    pub fn get(&self) -> Counts {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            stat_calls: get(&self.stats),
            bytes_read: get(&self.bytes_read),
            bytes_compared: get(&self.bytes_compared),
            records_parsed: get(&self.records_parsed),
        }
    }

    pub(super) fn count_stat(&self) {
        self.stats.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_read(&self, bytes: usize) {
        self.bytes_read.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn count_compared(&self, bytes: usize) {
        self.bytes_compared.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn count_parsed(&self) {
        self.records_parsed.fetch_add(1, Ordering::Relaxed);
    }
}
