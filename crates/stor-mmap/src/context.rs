//! One look at a store: when it began, and how long to insist on quiet files.

use std::time::Duration;

use scrollback_core_id::{Clock, Stamp, UnixNanos};

/// How files that others may be writing are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadOptions {
    /// How much older than the look a file's last change must be for its bytes to be settled.
    /// It has to outlast the writer's longest single `write`, because a file's mtime is set
    /// before its bytes arrive, and any difference between the clocks of the two. 100 ms.
    pub margin: Duration,
    /// How often an unsettled file is read before giving up. At least once; 4.
    pub tries: u32,
    /// The largest file that is read, in bytes. 64 MiB.
    pub max_len: u64,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self { margin: Duration::from_millis(100), tries: 4, max_len: 64 << 20 }
    }
}

/// One look at a store, shared by all reads of it.
///
/// The clock is read once, before the first file, and not once a file: for a file read later the
/// true start is later still, so the answer errs only towards provisional.
#[derive(Clone, Copy)]
pub struct ReadContext<'a> {
    clock: &'a dyn Clock,
    options: ReadOptions,
    started: UnixNanos,
    /// What changed before this was quiet, unless its time is in whole seconds.
    settled_before: UnixNanos,
}

impl<'a> ReadContext<'a> {
    /// Begins a look now.
    pub fn begin(clock: &'a dyn Clock, options: ReadOptions) -> Self {
        let started = clock.now();
        Self { clock, options, started, settled_before: started.saturating_sub(options.margin) }
    }

    /// When the look began.
    pub fn started(&self) -> UnixNanos {
        self.started
    }

    /// How it reads.
    pub fn options(&self) -> &ReadOptions {
        &self.options
    }

    /// Whether a file with this stamp was quiet when the look began.
    pub fn settles(&self, stamp: &Stamp) -> bool {
        match stamp.mtime.0 % 1_000_000_000 {
            0 => stamp.is_settled_at(self.started, self.options.margin),
            _ => stamp.mtime < self.settled_before, // the same, worked out once
        }
    }

    /// The same look, begun anew after a pause.
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
