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

    /// How long it is since `earlier`; nothing if the clock was set back.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0).try_into().unwrap_or(0))
    }

    /// The time `by` earlier, or the earliest there is.
    pub fn before(self, by: Duration) -> Self {
        let earlier = i128::from(self.0).saturating_sub_unsigned(by.as_nanos());
        Self(i64::try_from(earlier).unwrap_or(i64::MIN))
    }
}

/// Tells the time and waits. The command line brings the system's clock, tests one they move.
pub trait Clock: Send + Sync {
    /// The time now, by the clock that also stamps files.
    fn now(&self) -> UnixNanos;

    /// Waits for `time`, between two tries of a read.
    fn pause(&self, time: Duration);
}
