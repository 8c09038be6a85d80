//! The time inside an id: `ms * 4096 + counter`, low 48 bits, as 12 hex digits.
//!
//! Source: `docs/format/opencode.md`, section 2; checked on every id of the corpora.

/// Milliseconds after which the clock of ids starts again: 2^36 ms, about 795 days.
const PERIOD_MS: i64 = 1 << 36;
const LOW_48: u64 = (1 << 48) - 1;

/// The clock that an id carries: a time modulo 2^36 ms, and a counter within the millisecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IdClock {
    ticks: u64, // 48 bits: (ms mod 2^36) * 4096 + counter
}

impl IdClock {
    pub(crate) fn from_ascending_id(id: &[u8], prefix: &str) -> Option<Self> {
        let digits = id.strip_prefix(prefix.as_bytes())?.get(..12)?;
        let mut ticks = 0_u64;
        for digit in digits {
            let value = match digit {
                b'0'..=b'9' => digit - b'0',
                b'a'..=b'f' => digit - b'a' + 10,
                _ => return None,
            };
            ticks = ticks << 4 | u64::from(value);
        }
        Some(Self { ticks })
    }

    pub(crate) fn from_descending_id(id: &[u8], prefix: &str) -> Option<Self> {
        let clock = Self::from_ascending_id(id, prefix)?;
        Some(Self { ticks: clock.ticks ^ LOW_48 })
    }

    /// Unix milliseconds modulo 2^36.
    pub fn millis(self) -> i64 {
        (self.ticks >> 12) as i64
    }

    /// The counter within the millisecond; opencode starts it at 1.
    pub fn counter(self) -> u16 {
        (self.ticks & 0xfff) as u16
    }

    /// The time nearest to `reference_ms` that has this clock, in Unix milliseconds.
    pub fn nearest(self, reference_ms: i64) -> i64 {
        let ahead = self.millis().wrapping_sub(reference_ms).rem_euclid(PERIOD_MS);
        let step = if ahead >= PERIOD_MS / 2 { ahead - PERIOD_MS } else { ahead };
        reference_ms.saturating_add(step)
    }

    /// How far this clock is after `other`, in ticks of 1/4096 ms, in circular order:
    /// negative when it is before.
    pub fn ticks_after(self, other: Self) -> i64 {
        let ahead = (self.ticks.wrapping_sub(other.ticks) & LOW_48) as i64;
        if ahead > 1 << 47 { ahead - (1 << 48) } else { ahead }
    }
}
