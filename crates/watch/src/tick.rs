//! Generations: the order in which things were dirtied, without a clock on the wall.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// One tick of a [`GenerationClock`]. Later ones are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Tick(pub u64);

impl fmt::Display for Tick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Counts. No two ticks are the same, whoever asks.
#[derive(Debug, Default)]
pub struct GenerationClock(AtomicU64);

/// A clock that has counted as far as it can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no generation is left; begin with a new clock and a rescan")]
pub struct ClockExhausted;

impl GenerationClock {
    /// A clock that goes on after `last`.
    pub fn resume_after(last: Tick) -> Self {
        Self(AtomicU64::new(last.0))
    }

    /// The last tick; zero before the first.
    pub fn now(&self) -> Tick {
        Tick(self.0.load(Ordering::Acquire))
    }

    /// The next tick.
    ///
    /// # Errors
    /// If there is none: it never begins again, as an old generation would pass for a new one.
    pub fn tick(&self) -> Result<Tick, ClockExhausted> {
        let next = |now: u64| now.checked_add(1);
        match self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, next) {
            Ok(before) => Ok(Tick(before + 1)),
            Err(_) => Err(ClockExhausted),
        }
    }
}
