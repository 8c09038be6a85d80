//! Ticks: the order in which scopes became dirty, without a wall clock.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// A tick of a [`GenerationClock`]. Later ticks are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Tick(pub u64);

impl fmt::Display for Tick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A counter whose ticks are unique and only grow. Threads may share it.
///
/// ```
/// use scrollback_watch::{GenerationClock, Tick};
///
/// let clock = GenerationClock::resume_after(Tick(41));
/// assert_eq!(clock.tick()?, Tick(42));
/// assert_eq!(clock.now(), Tick(42));
/// # Ok::<(), scrollback_watch::ClockExhausted>(())
/// ```
#[derive(Debug, Default)]
pub struct GenerationClock(AtomicU64);

/// The error of a clock that has reached `u64::MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the clock has no tick left; create a new clock and rescan")]
pub struct ClockExhausted;

impl GenerationClock {
    /// Returns a clock whose first tick follows `last`.
    pub fn resume_after(last: Tick) -> Self {
        Self(AtomicU64::new(last.0))
    }

    /// Returns the last tick; zero before the first tick.
    pub fn now(&self) -> Tick {
        Tick(self.0.load(Ordering::Acquire))
    }

    /// Returns the next tick.
    ///
    /// # Errors
    /// [`ClockExhausted`] after tick `u64::MAX`. The clock does not start again at zero, because an
    /// old tick would then pass for a new tick. Create a new clock and rescan.
    pub fn tick(&self) -> Result<Tick, ClockExhausted> {
        let next = |now: u64| now.checked_add(1);
        match self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, next) {
            Ok(before) => Ok(Tick(before + 1)),
            Err(_) => Err(ClockExhausted),
        }
    }
}
