//! The clock that others bring: libraries never read the system's.

use std::time::Duration;

/// A time in Unix nanoseconds; reaches to the year 2262.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixNanos(pub i64);

impl UnixNanos {
    /// The time in whole Unix milliseconds, rounded down.
    pub fn as_millis(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// The time `by` earlier, or the earliest there is.
    pub fn before(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(by.as_nanos()).unwrap_or(i64::MAX)))
    }
}

/// Tells the time and waits. The command line brings the system's clock, tests one they move.
pub trait Clock: Send + Sync {
    /// The time now, by the clock that also stamps files.
    fn now(&self) -> UnixNanos;

    /// Waits for `time`, between two tries of a read.
    fn pause(&self, time: Duration);
}
