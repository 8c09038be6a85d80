//! What reads of logs cost.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts what a [`JsonlSource`](super::JsonlSource) does.
#[derive(Debug, Default)]
pub struct Counters {
    stats: AtomicU64,
    read: AtomicU64,
    compared: AtomicU64,
    parsed: AtomicU64,
}

/// Counts at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// How often a file was stat'ed.
    pub files_stated: u64,
    /// Bytes that were read to be parsed.
    pub bytes_read: u64,
    /// Bytes before a mark that were read to be compared: at most
    /// [`LogMark::TAIL`](scrollback_source::LogMark::TAIL) a call of
    /// [`Reader::resume`](scrollback_source::Reader::resume).
    pub bytes_compared: u64,
    /// Lines that were parsed.
    pub records_parsed: u64,
}

impl Counters {
    /// The counts as they are now.
    pub fn get(&self) -> Counts {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            files_stated: get(&self.stats),
            bytes_read: get(&self.read),
            bytes_compared: get(&self.compared),
            records_parsed: get(&self.parsed),
        }
    }

    pub(super) fn stated(&self) {
        self.stats.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read(&self, bytes: usize) {
        self.read.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn compared(&self, bytes: usize) {
        self.compared.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn parsed(&self) {
        self.parsed.fetch_add(1, Ordering::Relaxed);
    }
}
