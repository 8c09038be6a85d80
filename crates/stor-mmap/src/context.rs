//! The context of the reads of one read transaction: when it began, and the limits of its reads. The
//! context decides whether a file was quiet when the transaction began.

use std::time::Duration;

use scrollback_core_id::{Clock, Stamp, UnixNanos};

/// The limits for reading files that other programs may be writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadOptions {
    /// The margin: how long before the start of the context the last change of a file must be for
    /// its bytes to be settled. The margin must outlast the writer's longest single `write`, because a
    /// file's mtime is set before its bytes arrive. The margin must also outlast any difference between the
    /// clocks of the two programs. The default is 100 ms.
    pub margin: Duration,
    /// How often an unsettled file is read before the read gives up, at least once. The default is 4.
    pub tries: u32,
    /// The size in bytes of the largest file that is read. The default is 64 MiB.
    pub max_len: u64,
    /// The size in bytes of all records that one call keeps in memory, such as those of a session. A
    /// record that would exceed it is left out, with an issue. The default is 1 GiB.
    pub max_total: u64,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self { margin: Duration::from_millis(100), tries: 4, max_len: 64 << 20, max_total: 1 << 30 }
    }
}

/// The context that all reads of one read transaction share.
///
/// The clock is read once, before the first file, and not once per file. The true start of a later
/// read is later than the start of the context, so an error of this method makes a settled read
/// provisional, and never the reverse.
#[derive(Clone, Copy)]
pub struct ReadContext<'a> {
    clock: &'a dyn Clock,
    options: ReadOptions,
    started: UnixNanos,
    /// A file that changed before this time was quiet, unless its mtime is in whole seconds.
    settled_before: UnixNanos,
}

impl<'a> ReadContext<'a> {
    /// Begins a context now.
    pub fn begin(clock: &'a dyn Clock, options: ReadOptions) -> Self {
        let started = clock.now();
        Self { clock, options, started, settled_before: started.saturating_sub(options.margin) }
    }

    /// Returns the time when the context began.
    pub fn started(&self) -> UnixNanos {
        self.started
    }

    /// Returns the limits of the reads.
    pub fn options(&self) -> &ReadOptions {
        &self.options
    }

    /// Checks whether a file with this stamp was quiet when the context began.
    pub fn settles(&self, stamp: &Stamp) -> bool {
        match stamp.mtime.0 % 1_000_000_000 {
            0 => stamp.is_settled_at(self.started, self.options.margin),
            _ => stamp.mtime < self.settled_before, // the same test with a precomputed limit
        }
    }

    /// Pauses, then returns a context with the same limits that begins after the pause.
    pub(crate) fn restart_after(&self, pause: Duration) -> Self {
        self.clock.pause(pause);
        Self::begin(self.clock, self.options)
    }
}

impl std::fmt::Debug for ReadContext<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReadContext")
            .field("options", &self.options)
            .field("started", &self.started)
            .finish_non_exhaustive()
    }
}
