//! Clocks: every crate takes the one it is given, and only this one can read the system's.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A time in Unix nanoseconds; reaches to the year 2262.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixNanos(pub i64);

impl UnixNanos {
    /// The time in whole Unix milliseconds, rounded down.
    pub fn as_millis(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// How long it is since `earlier`; nothing if the clock was set back.
    pub fn duration_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0).try_into().unwrap_or(0))
    }

    /// The time `by` earlier, or the earliest there is.
    pub fn saturating_sub(self, by: Duration) -> Self {
        let earlier = i128::from(self.0).saturating_sub_unsigned(by.as_nanos());
        Self(i64::try_from(earlier).unwrap_or(i64::MIN))
    }
}

/// A time in Unix milliseconds, as the records of agents hold it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixMillis(pub i64);

impl std::fmt::Display for UnixMillis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Tells the time and waits. Programs pass [`SystemClock`], tests a clock that they move.
pub trait Clock: Send + Sync {
    /// The time now, by the clock that also stamps files.
    fn now(&self) -> UnixNanos;

    /// Waits for `time`, between two tries of a read.
    fn pause(&self, time: Duration);
}

/// The operating system's clock. Libraries take a [`Clock`] instead of making this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
    fn now(&self) -> UnixNanos {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixNanos(i64::try_from(elapsed.as_nanos()).unwrap_or(i64::MAX))
    }

    fn pause(&self, time: Duration) {
        std::thread::sleep(time);
    }
}
