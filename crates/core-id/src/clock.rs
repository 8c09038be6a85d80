//! Times and clocks. Library code takes a [`Clock`] as an argument; only [`SystemClock`] reads the
//! operating system's clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A time in Unix nanoseconds, up to the year 2262.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixNanos(pub i64);

impl UnixNanos {
    /// Returns the time in Unix milliseconds, rounded down.
    pub fn as_millis(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Returns the time since `earlier`; zero if `earlier` is later, as after a clock was set back.
    pub fn duration_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0).try_into().unwrap_or(0))
    }

    /// Returns the time that is earlier by `by`, but not before the earliest possible time.
    pub fn saturating_sub(self, by: Duration) -> Self {
        let earlier = i128::from(self.0).saturating_sub_unsigned(by.as_nanos());
        Self(i64::try_from(earlier).unwrap_or(i64::MIN))
    }
}

/// A time in Unix milliseconds, as in the records of agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixMillis(pub i64);

impl std::fmt::Display for UnixMillis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A clock that returns the time and waits. Programs pass [`SystemClock`], tests pass a clock that they
/// control.
pub trait Clock: Send + Sync {
    /// Returns the current time, by the clock that also stamps files.
    fn now(&self) -> UnixNanos;

    /// Waits for `time` between two attempts to read.
    fn pause(&self, time: Duration);
}

/// The operating system's clock. Only programs construct it; libraries take a [`Clock`].
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
